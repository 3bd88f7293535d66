// Work: what runs and waits, with true places and reasons; batches; what ended lately.

import { fill, h, t, tell } from "../../base.js";
import { Batches } from "./batches.js";
import { Queue } from "./queue.js";

export class Work extends HTMLElement {
  connectedCallback() {
    if (this.lists) return;
    this.queue = new Queue();
    this.batches = new Batches();
    this.lists = h("div", { class: "work-lists", hidden: true }, this.queue, this.batches);
    this.one = h("div", { class: "stack", hidden: true });
    this.reading = h("p", { class: "empty", "aria-busy": "true" }, t("list.reading"));
    fill(this, h("h1", { tabindex: "-1" }, t("nav.work")), this.reading, this.lists, this.one);
    Promise.all([this.queue.loaded, this.batches.loaded]).then(() => this.#reveal());
  }

  /** Show the lists once both were read, so that neither pushes the other down. */
  #reveal() {
    this.reading.remove();
    this.isRead = true;
    this.lists.hidden = !this.one.hidden;
    if (!this.lists.hidden && !this.hidden) this.#follow(true);
  }

  /** `rest` names a batch to be shown alone. */
  show([id]) {
    this.lists.hidden = Boolean(id) || !this.isRead;
    this.reading.hidden = Boolean(id);
    this.one.hidden = !id;
    fill(this.one);
    this.batch = id;
    if (id) this.#open(id).catch(tell);
    this.#follow(!id);
  }

  async #open(id) {
    const { BatchView } = await import("./batch-view.js");
    if (this.batch === id) fill(this.one, new BatchView(id));
  }

  hide() {
    this.batch = null;
    fill(this.one);
    this.#follow(false);
  }

  #follow(listsAreShown) {
    for (const part of [this.queue, this.batches]) listsAreShown ? part.start() : part.stop();
  }
}

customElements.define("atelier-work", Work);
