// The workers by name, and which of them claim no more jobs.

import { api, bytes, fill, h, late, t, tell, when } from "../../base.js";
import { KeyedList } from "../../parts/keyed-list.js";

export class Workers {
  constructor(changed) {
    const list = h("ul", { class: "stack" });
    this.list = new KeyedList(list, () => new WorkerCard(changed));
    this.none = h("p", { class: "empty", hidden: true }, t("operator.no-worker"));
    this.element = h("div", {}, list, this.none);
  }

  show({ workers }) {
    this.list.show(workers.map((worker) => ({ id: worker.name, ...worker })));
    this.none.hidden = workers.length > 0;
  }
}

class WorkerCard {
  #state = "";

  constructor(changed) {
    this.changed = changed;
    this.name = h("h3", {});
    this.state = h("span", { class: "tag" });
    this.line = h("p", { class: "num" });
    this.more = h("p", { class: "hint" });
    this.acts = h("div", { class: "row" });
    this.element = h("li", { class: "card worker" }, h("div", { class: "row job-head" }, this.name, this.state), this.line, this.more, this.acts);
  }

  show(worker) {
    fill(this.name, worker.name);
    fill(this.line, lineOf(worker));
    fill(this.more, cordonText(worker.cordon));
    this.more.hidden = !worker.cordon;
    if (this.#state === worker.state) return;
    this.#state = worker.state;
    this.element.dataset.state = worker.state;
    fill(this.state, t(`worker.${worker.state}`));
    fill(this.acts, worker.cordon ? this.#button("uncordon", worker, () => this.#ask("uncordon", worker)) : ["drain", "cordon"].map((name) => this.#button(name, worker, () => this.#why(name, worker).catch(tell))));
  }

  #button(name, worker, run) {
    return h("button", { class: "small", data: { act: name }, "aria-label": `${t(`worker.${name}`)}: ${worker.name}`, on: { click: run } }, t(`worker.${name}`));
  }

  async #why(name, worker) {
    const [{ askForm }, { field }] = await Promise.all([late(import("../../parts/dialog.js")), import("../../parts/fields.js")]);
    const reason = h("input", { name: "reason", maxlength: "200", autocomplete: "off" });
    askForm(t(`worker.${name}-title`, { name: worker.name }), [h("p", {}, t(`worker.${name}-text`)), field(t("worker.reason"), reason)], t(`worker.${name}`),
      (form) => this.#change(name, worker, form));
  }

  async #ask(name, worker) {
    await this.#change(name, worker).catch(tell);
  }

  async #change(name, worker, body) {
    await api.post(`v1/workers/${encodeURIComponent(worker.name)}/${name}`, body);
    this.changed();
  }
}

function lineOf(worker) {
  return [
    t("worker.slots", { running: worker.running, slots: worker.slots }),
    worker.memory_bytes ? t("worker.memory", { memory: bytes(worker.memory_bytes) }) : "",
    worker.disk_full ? t("worker.disk-full") : "",
    worker.lane ? t("worker.lane", { lane: t(`lane.${worker.lane}`) }) : "",
    worker.labels.join(", "),
    worker.loaded.length ? t("worker.loaded", { models: worker.loaded.join(", ") }) : "",
  ].filter(Boolean).join(" · ");
}

function cordonText(cordon) {
  if (!cordon) return "";
  const text = t("worker.cordoned-at", { time: when(cordon.at), by: cordon.by });
  return cordon.reason ? `${text} “${cordon.reason}”` : text;
}
