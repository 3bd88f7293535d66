// Pauses: what is not started for a time, why, until when. A new one is made here, any one is ended.

import { api, fill, h, t, tell, when } from "../../base.js";
import { askForm, field, select } from "../../parts/dialog.js";
import { KeyedList } from "../../parts/keyed-list.js";
import { endField, endOf } from "../work/acts.js";

export class Pauses {
  #models = [];

  constructor(changed) {
    this.changed = changed;
    const list = h("ul", { class: "stack" });
    this.list = new KeyedList(list, () => new PauseCard(changed));
    this.none = h("p", { class: "empty", hidden: true }, t("pause.none"));
    const add = h("button", { class: "small", data: { act: "pause" }, on: { click: () => this.#ask() } }, t("pause.new"));
    this.element = h("div", { class: "stack" }, list, this.none, h("div", {}, add));
  }

  show({ pauses, models }) {
    this.#models = models.data.map((model) => [model.name, model.title]);
    this.list.show(pauses);
    this.none.hidden = pauses.length > 0;
  }

  #ask() {
    const text = (name, props = {}) => h("input", { name, maxlength: "200", autocomplete: "off", ...props });
    const lanes = [["", t("list.all")], ["interactive", t("lane.interactive")], ["bulk", t("lane.bulk")]];
    const fields = [
      field(t("pause.reason"), text("reason", { required: true }), t("pause.reason-hint")),
      field(t("operator.lane"), select("lane", lanes)),
      field(t("operator.model"), select("model", [["", t("list.all")], ...this.#models])),
      field(t("operator.owner"), text("owner", { placeholder: t("list.all") })),
      endField(),
      field(t("pause.window"), text("window", { placeholder: "01:00-07:00", pattern: "\\d{2}:\\d{2}-\\d{2}:\\d{2}" }), t("pause.window-hint")),
    ];
    askForm(t("pause.new"), fields, t("pause.start"), async (form) => {
      const { lane, model, owner, window, reason } = form;
      const timezone = window && Intl.DateTimeFormat().resolvedOptions().timeZone;
      const given = Object.entries({ lane, model, owner, window, timezone, reason }).filter(([, value]) => value);
      await api.create("v1/pauses", { ...Object.fromEntries(given), ...endOf(form) });
      this.changed();
    });
  }
}

class PauseCard {
  constructor(changed) {
    this.changed = changed;
    this.what = h("h3", {});
    this.state = h("span", { class: "tag" });
    this.line = h("p", { class: "hint num" });
    this.end = h("button", { class: "small", data: { act: "end" }, on: { click: () => this.#end() } }, t("pause.end-now"));
    this.element = h("li", { class: "card pause" }, h("div", { class: "row job-head" }, this.what, this.state), this.line, h("div", {}, this.end));
  }

  show(pause) {
    this.id = pause.id;
    const of = [pause.lane && t(`lane.${pause.lane}`), pause.model, pause.owner && t("pause.of-owner", { owner: pause.owner })].filter(Boolean).join(", ") || t("pause.everything");
    fill(this.what, of);
    fill(this.state, t(pause.holds ? "pause.holds" : "pause.not-now"));
    fill(this.line, [
      `“${pause.reason}”`, pause.by && pause.by !== "anonymous" ? t("pause.by", { name: pause.by }) : "",
      pause.window ? t("pause.daily", { window: pause.window, zone: pause.timezone }) : "",
      pause.until ? t("queue.until", { time: when(pause.until) }) : t("pause.open"),
    ].filter(Boolean).join(" · "));
    this.end.setAttribute("aria-label", `${t("pause.end-now")}: ${of}`);
  }

  async #end() {
    this.end.disabled = true;
    await api.delete(`v1/pauses/${this.id}`).catch(tell);
    this.end.disabled = false;
    this.changed();
  }
}
