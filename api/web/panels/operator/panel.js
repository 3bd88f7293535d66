// Operator: how much waits and runs, workers, models, pauses. For keys with the scope admin.

import { api, fill, h, t, tell } from "../../base.js";
import { Models } from "./models.js";
import { Numbers } from "./numbers.js";
import { Pauses } from "./pauses.js";
import { Workers } from "./workers.js";

const SECONDS = 3;

export class Operator extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    if (this.parts) return;
    const again = () => this.#read();
    this.parts = [["numbers", new Numbers()], ["pauses", new Pauses(again)], ["workers", new Workers(again)], ["models", new Models()]];
    this.note = h("p", { class: "fault-text", role: "status" });
    this.sections = h("div", { class: "stack operator", hidden: true }, this.parts.map(([name, part]) =>
      h("section", { class: "stack", id: `operator-${name}`, "aria-label": t(`operator.${name}`) }, h("h2", {}, t(`operator.${name}`)), part.element)));
    this.reading = h("p", { class: "empty", "aria-busy": "true" }, t("list.reading"));
    fill(this, h("h1", { tabindex: "-1" }, t("nav.operator")), this.note, this.reading, this.sections);
  }

  show() {
    this.hide();
    this.#read();
    this.#timer = setInterval(() => !document.hidden && this.#read(), SECONDS * 1000);
  }

  hide() {
    clearInterval(this.#timer);
  }

  async #read() {
    if (this.isReading) return void (this.isBehind = true);
    this.isReading = true;
    try {
      const [stats, workers, models, pauses] = await Promise.all(["stats", "workers", "models", "pauses"].map((name) => api.get(`v1/${name}`, {}, { patience: 0 })));
      const all = { stats, workers: workers.data, models, pauses: pauses.data };
      for (const [, part] of this.parts) part.show(all);
      this.reading.remove();
      this.sections.hidden = false;
      fill(this.note);
    } catch (error) {
      fill(this.note, t("operator.stale"));
      if (error.status) tell(error);
    }
    this.isReading = false;
    if (this.isBehind) this.#read((this.isBehind = false));
  }
}

customElements.define("atelier-operator", Operator);
