// All batches, newest first, kept up to date.

import { api, fill, h, store, t, tell } from "../../base.js";
import { KeyedList } from "../../parts/keyed-list.js";
import { BatchCard } from "./batch-card.js";

const PAGE = 10;
const MOST_CARDS = 100;
const AGAIN_SECONDS = 1.5; // between two readings of a batch whose counts change
const WAITS_SECONDS = 5; // between two of what waits or runs without a change

/** Reads whole batches when events tell that they changed, each not too often. */
export class BatchReader {
  #due = new Map(); // ids of those that were read lately, and whether they changed since then
  #read = new Map(); // what was read, by id

  /** `shows` says of an id whether its batch is on the page. */
  constructor(shows) {
    this.end = store.on("batch", (batch) => shows(batch.id) && mark(batch) !== this.#read.get(batch.id) && this.#see(batch.id));
  }

  start(waiting) {
    this.stop();
    this.timer = setInterval(() => !document.hidden && waiting().forEach((id) => this.#see(id)), WAITS_SECONDS * 1000);
  }

  stop() {
    clearInterval(this.timer);
  }

  #see(id) {
    if (this.#due.has(id)) return void this.#due.set(id, true);
    this.#due.set(id, false);
    this.#fetch(id);
    setTimeout(() => this.#again(id), AGAIN_SECONDS * 1000);
  }

  #again(id) {
    const changed = this.#due.get(id);
    this.#due.delete(id);
    if (changed) this.#see(id);
  }

  async #fetch(id) {
    try {
      const batch = await api.get(`v1/batches/${id}`);
      this.#read.set(id, mark(batch));
      store.put(batch);
    } catch {
      // it is gone, which an event tells, or the service is away
    }
  }
}

const mark = (batch) => JSON.stringify([batch.status, batch.counts, Boolean(batch.urls)]);

export class Batches extends HTMLElement {
  #batches = new Map();
  #cursor = null;

  connectedCallback() {
    if (this.list) return;
    this.reader = new BatchReader((id) => this.#batches.has(id) || !store.get(id)?.urls);
    store.on("batch", (batch) => this.#see(batch));
    store.on("deleted", (id) => this.#batches.delete(id) && this.#show());
    store.on("reset", () => this.load());
    this.cards = h("ul", { class: "stack" });
    this.list = new KeyedList(this.cards, (id) => new BatchCard(id));
    this.none = h("p", { class: "empty", hidden: true }, t("batch.none"));
    this.more = h("button", { class: "small", hidden: true, on: { click: () => this.#read(this.#cursor).catch(tell) } }, t("list.more"));
    fill(this, h("section", { class: "stack", "aria-label": t("batch.title") }, h("h2", {}, t("batch.title")), this.cards, this.none, this.more));
    this.loaded = this.load();
  }

  start() {
    this.reader.start(() => this.#sorted().filter((batch) => !batch.done).slice(0, PAGE).map((batch) => batch.id));
  }

  stop() {
    this.reader.stop();
  }

  load() {
    this.#batches.clear();
    return this.#read(null).catch(tell);
  }

  async #read(cursor) {
    const page = await api.get("v1/batches", { limit: PAGE, cursor });
    this.#cursor = page.next_cursor;
    for (const batch of page.data) this.#batches.set(batch.id, store.put(batch));
    this.isRead = true;
    this.#show();
  }

  #see(batch) {
    if (!batch.urls || (!this.#batches.has(batch.id) && this.#batches.size >= MOST_CARDS)) return;
    this.#batches.set(batch.id, batch);
    this.#show();
  }

  #sorted() {
    return [...this.#batches.values()].sort((a, b) => a.done - b.done || Date.parse(b.created_at) - Date.parse(a.created_at));
  }

  #show() {
    this.list.show(this.#sorted());
    this.none.hidden = !this.isRead || this.#batches.size > 0;
    this.more.hidden = !this.#cursor || this.#batches.size >= MOST_CARDS;
  }
}

customElements.define("atelier-batches", Batches);
