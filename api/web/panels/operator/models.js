// Models with their versions, and how many jobs of each may run at once.

import { api, fill, h, notify, t, tell } from "../../base.js";
import { foreign } from "../../parts/job-words.js";
import { KeyedList } from "../../parts/keyed-list.js";

export class Models {
  constructor() {
    const list = h("ul", { class: "models" });
    this.list = new KeyedList(list, (name) => new ModelCard(name));
    this.faults = h("ul", { class: "failures" });
    const reload = h("button", { class: "small", on: { click: () => this.#reload() } }, t("operator.reload"));
    this.element = h("div", { class: "stack" }, list, this.faults, h("div", { class: "row" }, reload, h("span", { class: "hint" }, t("operator.reload-hint"))));
  }

  show({ models, stats }) {
    const shares = new Map(stats.models.map((share) => [share.model, share]));
    this.list.show(models.data.map((model) => ({ id: model.name, share: shares.get(model.name), ...model })));
    fill(this.faults, models.unavailable.map((fault) => h("li", { class: "fault-text" }, h("strong", {}, fault.name), " ", foreign(`${fault.field} ${fault.detail}`), " ", h("code", {}, fault.path))));
  }

  async #reload() {
    try {
      await api.post("v1/models/reload");
      notify(t("operator.reloading"));
    } catch (error) {
      tell(error);
    }
  }
}

class ModelCard {
  constructor(name) {
    this.name = name;
    this.head = h("h3", {});
    this.state = h("span", { class: "tag" });
    this.line = h("p", { class: "num hint" });
    this.limit = h("input", { type: "number", min: "1", max: "1000000", placeholder: "∞", id: `limit-${name}`, "aria-describedby": `limit-hint-${name}` });
    this.save = h("button", { class: "small", disabled: true }, t("operator.save"));
    const form = h("form", { class: "row limit", on: { submit: (event) => this.#save(event) } }, h("label", { for: this.limit.id }, t("operator.limit")), this.limit, this.save,
      h("span", { class: "hint sr", id: `limit-hint-${name}` }, t("operator.limit-hint")));
    this.limit.addEventListener("input", () => (this.save.disabled = false));
    this.element = h("li", { class: "card model", data: { name } }, h("div", { class: "row job-head" }, this.head, this.state), this.line, form);
    this.#read();
  }

  show(model) {
    fill(this.head, `${model.title} `, h("code", {}, model.name));
    fill(this.state, t(model.available === false ? "operator.unavailable" : model.default ? "operator.default" : "operator.available"));
    const loaded = (model.loaded ?? []).map((each) => t("operator.loaded", { version: each.version, count: each.workers }));
    fill(this.line, [t(`type.${model.type}`), t("operator.version", { version: model.version }), ...loaded, model.license].join(" · "));
  }

  async #read() {
    const { running } = await api.get(`v1/models/${this.name}/limits`).catch(() => ({ running: null }));
    if (this.save.disabled) this.limit.value = running ?? ""; // else somebody was faster, and typed
  }

  async #save(event) {
    event.preventDefault();
    try {
      await api.put(`v1/models/${this.name}/limits`, { running: this.limit.value ? Number(this.limit.value) : null });
      this.save.disabled = true;
      notify(t("operator.limited", { model: this.name }));
    } catch (error) {
      tell(error);
    }
  }
}
