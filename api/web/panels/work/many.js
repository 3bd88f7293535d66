// One thing done with all jobs of a state and a kind. The service carries it out: it goes on when the page is closed.

import { api, fill, h, icon, late, session, t, tell } from "../../base.js";
import { field, select } from "../../parts/fields.js";

const DEEDS = { // what can be done, with jobs of which states
  cancel: ["queued", "running"],
  retry: ["failed", "canceled", "expired"],
  delete: ["succeeded", "failed", "canceled", "expired"],
};
const ICONS = { cancel: "close", retry: "redo", delete: "trash" };

export class ManyJobs {
  #action = null; // that is followed

  /** `changed` is called when other jobs are chosen, and when something was done with many. */
  constructor(changed) {
    this.changed = changed;
    this.status = choice("status", ["", ...DEEDS.cancel, ...DEEDS.delete], () => this.#choose());
    this.type = choice("type", ["", "stylize", "generate", "transform"], () => this.#choose());
    this.buttons = session.may("submit") ? Object.keys(DEEDS).map((deed) => this.#button(deed)) : [];
    this.note = h("p", { class: "hint num", role: "status" });
    this.bar = h("progress", { max: 1, value: 0, class: "idle", "aria-label": t("list.progress") });
    this.end = h("button", { class: "small", hidden: true, on: { click: () => this.#stop().catch(tell) } }, t("many.stop"));
    this.element = h("div", { class: "many", role: "group", "aria-label": t("many.title") },
      h("div", { class: "row" }, field(t("gallery.status"), this.status), field(t("gallery.type"), this.type), this.buttons),
      h("div", { class: "row many-progress" }, this.note, this.bar, this.end));
    this.#showButtons();
  }

  /** The choice, as lists of jobs and actions take it. */
  get filter() {
    const given = { status: this.status.value, type: this.type.value };
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value));
  }

  /** Whether the choice admits a job, as far as it is known. */
  admits({ status, type }) {
    const { filter } = this;
    return (!filter.status || filter.status === status) && (!filter.type || !type || filter.type === type);
  }

  /** Show how far what somebody has begun is, here or elsewhere. */
  async start() {
    if (this.#action) return;
    const { data } = await api.get("v1/actions", { limit: 5 }).catch(() => ({ data: [] }));
    const going = data.find((action) => !action.done && !action.dry_run);
    if (going) this.#follow(going).catch(tell);
  }

  #choose() {
    this.#showButtons();
    this.changed();
  }

  #showButtons() {
    const { status } = this.filter;
    for (const button of this.buttons) {
      const states = DEEDS[button.dataset.act];
      button.hidden = Boolean(status) && !states.includes(status);
      button.disabled = Boolean(this.#action);
    }
  }

  #button(deed) {
    const run = async () => {
      for (const each of this.buttons) each.disabled = true;
      await this.#ask(deed).catch(tell);
      this.#showButtons();
    };
    return h("button", { class: "small", data: { act: deed }, on: { click: run } }, icon(ICONS[deed]), t(`many.${deed}`));
  }

  /** Count the jobs, ask, and begin. */
  async #ask(deed) {
    const { begin } = await late(import("./many-acts.js"));
    const action = await begin(deed, this.filter, DEEDS[deed]);
    if (action) this.#follow(action).catch(tell);
  }

  async #follow(action) {
    this.#action = action;
    this.#showButtons();
    this.bar.classList.remove("idle");
    this.end.hidden = false;
    try {
      const { over } = await import("./many-acts.js");
      this.#told(await over(action, (now) => this.#show(now)));
    } finally {
      this.#action = null;
      this.bar.classList.add("idle");
      this.end.hidden = true;
      this.#showButtons();
      this.changed();
    }
  }

  #show({ do: deed, fraction, succeeded, matched }) {
    this.bar.value = fraction;
    fill(this.note, t("many.going", { deed: t(`many.${deed}`), done: succeeded, count: matched }));
  }

  #told({ succeeded, skipped, failed }) {
    const sum = (counts) => Object.values(counts).reduce((all, each) => all + each, 0);
    const parts = [["ended", succeeded], ["skipped", sum(skipped)], ["refused", sum(failed)]].filter(([name, count]) => count || name === "ended");
    fill(this.note, parts.map(([name, count]) => t(`many.${name}`, { count })).join(" "));
  }

  async #stop() {
    await api.post(`v1/actions/${this.#action.id}/cancel`);
  }
}

function choice(name, values, changed) {
  return select(name, values.map((value) => [value, t(value ? `${name}.${value}` : "list.all")]), { on: { change: changed } });
}
