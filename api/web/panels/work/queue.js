// The jobs that run and wait, next first, and those that ended lately.

import { api, fill, h, store, t, tell } from "../../base.js";
import { beginLink, FIELDS } from "../../parts/job-words.js";
import { KeyedList } from "../../parts/keyed-list.js";
import { LiveJobs } from "./live-jobs.js";
import { ManyJobs } from "./many.js";
import { JobRow } from "./row.js";

const PAGE = 40;
const MOST_ROWS = 300;
const FEW = 15; // where more wait, so many are shown at least
const ENDED = 20;
const ENDS = ["succeeded", "failed", "canceled", "expired"];
const WAITING = [...FIELDS, "queue"];

export class Queue extends HTMLElement {
  #reading = null; // of the next pages
  #places = new Map(); // of jobs by id, in the order in which the queue was read
  #pages = null; // of what waits, those that are still to be read; null where all were

  connectedCallback() {
    if (this.live) return;
    this.live = new LiveJobs((job) => !job.batch_id && this.many.admits(job) && this.#takes(job));
    this.live.addEventListener("change", () => this.#show());
    store.on("reset", () => this.load());
    this.many = new ManyJobs(() => this.load());
    this.active = h("ul", { class: "jobs", "aria-busy": "true" });
    this.ended = h("ul", { class: "jobs" });
    this.none = h("p", { class: "empty", hidden: true }, t("work.nothing"), " ", beginLink());
    this.noneEnded = h("p", { class: "empty", hidden: true }, t("work.nothing-ended"));
    this.more = h("button", { class: "small", hidden: true, on: { click: () => this.#more().catch(tell) } }, t("list.more"));
    this.activeList = new KeyedList(this.active, () => new JobRow());
    this.endedList = new KeyedList(this.ended, () => new JobRow());
    this.now = section("work.now", this.active, this.none, this.more);
    this.late = section("work.ended", this.ended, this.noneEnded);
    fill(this, this.many.element, this.now, this.late);
    this.loaded = this.load();
  }

  /** Ask for places and previews while the panel is in view. */
  start() {
    this.#show();
    this.live.start(() => this.#sorted().filter((job) => !job.done));
    this.many.start();
  }

  stop() {
    this.live.stop();
  }

  #takes(job) {
    if (job.done) return Boolean(this.many.filter.status);
    return job.status === "running" || this.live.size < MOST_ROWS;
  }

  async load() {
    const { status, ...only } = this.many.filter;
    const wanted = (each) => !status || status === each;
    const pages = wanted("queued") ? waiting(only) : null;
    try {
      const [first, ...lists] = await Promise.all([
        pages?.next(),
        wanted("running") ? list({ ...only, status: "running", limit: 100 }) : [],
        ...ENDS.filter(wanted).map((each) => list({ ...only, status: each, items: false, limit: ENDED })),
      ]);
      this.#places.clear();
      this.#pages = pages;
      this.active.removeAttribute("aria-busy");
      this.now.hidden = !wanted("queued") && !wanted("running");
      this.late.hidden = !ENDS.some(wanted);
      this.live.take(lists.flat(), true);
      this.#take(first);
      while (this.#pages && this.#places.size < FEW) await this.#more();
    } catch (error) {
      tell(error);
    }
  }

  /** Read on until there is something new, or nothing more. */
  #more() {
    this.#reading ??= this.#readMore().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readMore() {
    const before = this.#places.size;
    while (this.#pages && this.#places.size === before) this.#take(await this.#pages.next());
  }

  #take(page) {
    if (page?.done !== false) this.#pages = null;
    const jobs = page?.value ?? [];
    for (const job of jobs) if (!this.#places.has(job.id)) this.#places.set(job.id, this.#places.size);
    this.live.take(jobs);
  }

  #show() {
    if (this.closest("[hidden]")) return; // `start` shows it
    const jobs = this.#sorted();
    const done = jobs.filter((job) => job.done);
    const active = this.#shown(jobs.filter((job) => !job.done));
    this.live.drop(done.slice(ENDED));
    const hadFocus = this.contains(document.activeElement);
    this.activeList.show(active);
    this.endedList.show(done.slice(0, ENDED));
    if (hadFocus && document.activeElement === document.body) this.querySelector("section:not([hidden]) h2").focus();
    const isRead = !this.active.hasAttribute("aria-busy");
    this.none.hidden = !isRead || Boolean(this.#pages) || active.length > 0;
    this.noneEnded.hidden = !isRead || done.length > 0;
    this.more.hidden = !this.#pages || active.length >= MOST_ROWS;
    if (this.#pages && active.length < FEW) this.#more().catch(tell); // those that were shown have run
  }

  /** Return what is shown of what runs and waits: up to the last that was read, as others may stand behind it. */
  #shown(jobs) {
    const last = this.#pages ? jobs.findLastIndex((job) => job.status === "running" || this.#places.has(job.id)) : jobs.length;
    return jobs.slice(0, Math.min(last + 1, MOST_ROWS));
  }

  #sorted() {
    const place = (job) => this.#places.get(job.id) ?? Infinity;
    const order = (a, b) => (a.done ? late(b) - late(a)
      : less(position(a), position(b)) || less(place(a), place(b)) || Date.parse(a.created_at) - Date.parse(b.created_at));
    return this.live.all.filter((job) => this.many.admits(job)).sort((a, b) => rank(a) - rank(b) || order(a, b));
  }
}

const list = async (params) => (await api.get("v1/jobs", { ...params, fields: FIELDS.join(",") })).data;

/** Yield pages of what waits: first what may start, in the order of the queue, then all, with what waits for a time. */
async function* waiting(only) {
  const params = { ...only, limit: PAGE, fields: WAITING.join(",") };
  for (const [path, more] of [["v1/queue", {}], ["v1/jobs", { status: "queued" }]]) {
    for (let cursor = null; ; ) {
      const page = await api.get(path, { ...params, ...more, cursor });
      cursor = page.next_cursor;
      if (!cursor && path === "v1/jobs") return page.data; // the last, and `done` with it
      yield page.data;
      if (!cursor) break;
    }
  }
}

const section = (key, ...content) => h("section", { class: "stack", "aria-label": t(key) }, h("h2", { tabindex: "-1" }, t(key)), content);

const LATER = new Set(["not_before", "backoff", "storage_away", "equal_job"]); // why some wait who have no turn

/** Running jobs first, then those that wait in their lanes, those that wait for a time, those that ended. */
function rank({ status, done, queue }) {
  if (status === "running") return 0;
  if (done) return 4;
  if (LATER.has(queue?.reason)) return 3;
  return queue?.lane === "bulk" ? 2 : 1;
}

const position = (job) => job.queue?.position ?? Infinity;

const less = (a, b) => (a === b ? 0 : a - b);

const late = (job) => Date.parse(job.completed_at ?? job.created_at) || Infinity;

customElements.define("atelier-queue", Queue);
