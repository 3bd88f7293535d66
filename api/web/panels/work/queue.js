// The jobs that run and wait, by their places, and those that ended lately.

import { api, fill, h, store, t, tell } from "../../base.js";
import { beginLink, FIELDS } from "../../parts/job-words.js";
import { KeyedList } from "../../parts/keyed-list.js";
import { LiveJobs } from "./live-jobs.js";
import { JobRow } from "./row.js";

const PAGE = 40;
const MOST_ROWS = 300;
const FEW = 15; // where more wait, so many are shown at least
const ENDED = 20;

export class Queue extends HTMLElement {
  #cursor = null;
  #isReading = false;

  connectedCallback() {
    if (this.live) return;
    this.live = new LiveJobs((job) => !job.done && !job.batch_id && (job.status === "running" || this.live.size < MOST_ROWS));
    this.live.addEventListener("change", () => this.#show());
    store.on("reset", () => this.load());
    this.active = h("ul", { class: "jobs", "aria-busy": "true" });
    this.ended = h("ul", { class: "jobs" });
    this.none = h("p", { class: "empty", hidden: true }, t("work.nothing"), " ", beginLink());
    this.noneEnded = h("p", { class: "empty", hidden: true }, t("work.nothing-ended"));
    this.more = h("button", { class: "small", hidden: true, on: { click: () => this.#more() } }, t("list.more"));
    this.activeList = new KeyedList(this.active, () => new JobRow());
    this.endedList = new KeyedList(this.ended, () => new JobRow());
    fill(this, section("work.now", this.active, this.none, this.more), section("work.ended", this.ended, this.noneEnded));
    this.loaded = this.load();
  }

  /** Ask for places and previews while the panel is in view. */
  start() {
    this.#show();
    this.live.start(() => this.#sorted().filter((job) => !job.done));
  }

  stop() {
    this.live.stop();
  }

  async load() {
    try {
      const [running, queued, latest] = await Promise.all([
        list({ status: "running", limit: 100 }, FIELDS),
        list({ status: "queued", limit: PAGE }, [...FIELDS, "queue"]),
        list({ limit: PAGE }, FIELDS),
      ]);
      this.#cursor = queued.next_cursor;
      this.active.removeAttribute("aria-busy");
      const known = new Map([...latest.data, ...queued.data, ...running.data].map((job) => [job.id, job]));
      this.live.take([...known.values()], true);
    } catch (error) {
      tell(error);
    }
  }

  async #more() {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const page = await list({ status: "queued", limit: PAGE, cursor: this.#cursor }, [...FIELDS, "queue"]);
      this.#cursor = page.next_cursor;
      this.live.take(page.data);
    } catch (error) {
      tell(error);
    }
    this.#isReading = false;
  }

  #show() {
    if (this.closest("[hidden]")) return; // `start` shows it
    const jobs = this.#sorted();
    const done = jobs.filter((job) => job.done);
    const active = jobs.filter((job) => !job.done).slice(0, MOST_ROWS);
    this.live.drop(done.slice(ENDED));
    const hadFocus = this.contains(document.activeElement);
    this.activeList.show(active);
    this.endedList.show(done.slice(0, ENDED));
    if (hadFocus && document.activeElement === document.body) this.querySelector("h2").focus();
    const isRead = !this.active.hasAttribute("aria-busy");
    this.none.hidden = !isRead || active.length > 0;
    this.noneEnded.hidden = !isRead || done.length > 0;
    this.more.hidden = !this.#cursor || active.length >= MOST_ROWS;
    if (this.#cursor && active.length < FEW) this.#more(); // those that were shown have run
  }

  #sorted() {
    return this.live.all.sort((a, b) => rank(a) - rank(b) || order(a, b));
  }
}

const list = (params, fields) => api.get("v1/jobs", { ...params, fields: fields.join(",") });

const section = (key, ...content) => h("section", { class: "stack", "aria-label": t(key) }, h("h2", { tabindex: "-1" }, t(key)), content);

/** Running jobs first, then those that wait in their lanes, then those that ended. */
function rank(job) {
  if (job.status === "running") return 0;
  if (job.done) return 3;
  return job.queue?.lane === "bulk" ? 2 : 1;
}

function order(a, b) {
  if (a.done) return late(b) - late(a);
  return (a.queue?.position ?? Infinity) - (b.queue?.position ?? Infinity) || Date.parse(a.created_at) - Date.parse(b.created_at);
}

const late = (job) => Date.parse(job.completed_at ?? job.created_at) || Infinity;

customElements.define("atelier-queue", Queue);
