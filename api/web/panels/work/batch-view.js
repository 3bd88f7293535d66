// One batch with its items, by their state.

import { api, fill, h, store, t, tell } from "../../base.js";
import { select } from "../../parts/fields.js";
import { FIELDS } from "../../parts/job-words.js";
import { KeyedList } from "../../parts/keyed-list.js";
import { BatchCard } from "./batch-card.js";
import { BatchReader } from "./batches.js";
import { LiveJobs } from "./live-jobs.js";
import { JobRow } from "./row.js";

const PAGE = 50;
const MOST_ROWS = 300;
const STATES = ["", "running", "queued", "succeeded", "failed", "canceled", "expired"];

export class BatchView extends HTMLElement {
  #cursor = null;

  constructor(id) {
    super();
    this.batchId = id;
  }

  connectedCallback() {
    this.card = new BatchCard(this.batchId, { whole: true });
    this.reader = new BatchReader((id) => id === this.batchId);
    this.live = new LiveJobs(() => false);
    this.live.addEventListener("change", () => this.#show());
    this.ends = [store.on("batch", (batch) => batch.id === this.batchId && this.#see(batch)), store.on("reset", () => this.load())];
    this.state = select("state", STATES.map((state) => [state, t(state ? `status.${state}` : "list.all")]), { on: { change: () => this.#read(null).catch(tell) }, "aria-label": t("batch.state") });
    const items = h("ul", { class: "jobs" });
    this.list = new KeyedList(items, () => new JobRow());
    this.none = h("p", { class: "empty", hidden: true }, t("list.nothing"));
    this.more = h("button", { class: "small", hidden: true, on: { click: () => this.#read(this.#cursor).catch(tell) } }, t("list.more"));
    fill(this, h("a", { href: "#/work", class: "back" }, t("batch.back")), h("ul", {}, this.card.element),
      h("section", { class: "stack", "aria-label": t("batch.items") }, h("div", { class: "row" }, h("h2", {}, t("batch.items")), h("div", { class: "narrow" }, this.state)), items, this.none, this.more));
    this.reader.start(() => (this.card.batch?.done ? [] : [this.batchId]));
    this.live.start(() => this.live.all.filter((job) => !job.done));
    this.load();
  }

  disconnectedCallback() {
    for (const end of [...this.ends, this.reader.end]) end();
    this.reader.stop();
    this.live.end();
  }

  async load() {
    try {
      this.card.show(store.put(await api.get(`v1/batches/${this.batchId}`)));
      await this.#read(null);
    } catch (error) {
      fill(this, h("a", { href: "#/work", class: "back" }, t("batch.back")), h("p", { class: "empty" }, t("batch.gone")));
      tell(error);
    }
  }

  #see(batch) {
    const changed = this.counts !== JSON.stringify(batch.counts);
    this.counts = JSON.stringify(batch.counts);
    this.card.show(batch);
    if (changed && this.live.all.length <= PAGE) this.#soon();
  }

  /** Items are told as counts of their batch alone, so the first page is read again when these change. */
  #soon() {
    this.soon ??= setTimeout(() => ((this.soon = null), this.isConnected && this.#read(null).catch(() => {})), 1500);
  }

  async #read(cursor) {
    const params = { status: this.state.value, limit: PAGE, cursor, fields: [...FIELDS, "queue"].join(",") };
    const page = await api.get(`v1/batches/${this.batchId}/items`, params);
    this.#cursor = page.next_cursor;
    this.isRead = true;
    this.live.take(page.data, cursor === null);
  }

  #show() {
    const items = this.live.all.sort((a, b) => a.index - b.index).slice(0, MOST_ROWS);
    this.list.show(items);
    this.none.hidden = !this.isRead || items.length > 0;
    this.more.hidden = !this.#cursor || items.length >= MOST_ROWS;
  }
}

customElements.define("atelier-batch", BatchView);
