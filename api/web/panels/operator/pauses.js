// Pauses: what is not started for a time, why, until when.

import { api, fill, h, late, t, tell, when } from "../../base.js";
import { KeyedList } from "../../parts/keyed-list.js";

export class Pauses {
  #models = [];

  constructor(changed) {
    this.changed = changed;
    const list = h("ul", { class: "stack" });
    this.list = new KeyedList(list, () => new PauseCard(changed));
    this.none = h("p", { class: "empty", hidden: true }, t("pause.none"));
    const add = h("button", { class: "small", data: { act: "pause" }, on: { click: () => this.#ask().catch(tell) } }, t("pause.new"));
    this.element = h("div", { class: "stack" }, list, this.none, h("div", {}, add));
  }

  show({ pauses, models }) {
    this.#models = models.data.map((model) => [model.name, model.title]);
    this.list.show(pauses);
    this.none.hidden = pauses.length > 0;
  }

  async #ask() {
    const { askForPause } = await late(import("./pause-form.js"));
    askForPause(this.#models, this.changed);
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
