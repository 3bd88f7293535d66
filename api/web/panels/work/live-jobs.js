// The jobs that a list shows, kept up to date.

import { api, store } from "../../base.js";
import { FIELDS, isPreview } from "../../parts/job-words.js";

const ASK_SECONDS = 2;
const MOST_ASKED = 60; // jobs whose places are asked for: those that are shown first
const AT_ONCE = 100;
const CHANGING = ["id", "object", "status", "done", "progress", "queue"];

/** Tells `change` when any of its jobs has changed. */
export class LiveJobs extends EventTarget {
  #jobs = new Map();
  #wanted = new Set(); // ids whose records are to be read
  #reading = false;
  #timer = 0;
  #frame = null;

  /** `takes` says of a job that was not known whether it belongs here. */
  constructor(takes) {
    super();
    this.takes = takes;
    this.ends = [store.on("job", (job) => this.#see(job)), store.on("deleted", (id) => this.#jobs.delete(id) && this.#tell())];
  }

  get size() {
    return this.#jobs.size;
  }

  get all() {
    return [...this.#jobs.values()];
  }

  /** Take records that were read from a list; with `only`, no others stay. */
  take(records, only = false) {
    if (only) this.#jobs.clear();
    for (const record of records) if (!isPreview(record)) this.#jobs.set(record.id, record);
    for (const record of records) store.put(record);
    this.#tell();
  }

  /** Forget jobs that are not shown. */
  drop(jobs) {
    for (const job of jobs) this.#jobs.delete(job.id);
  }

  /** Ask for places and previews from time to time, until `stop`. `first` returns the jobs to ask for. */
  start(first) {
    this.stop();
    this.#timer = setInterval(() => this.#ask(first()), ASK_SECONDS * 1000);
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** Follow nothing any more. */
  end() {
    this.stop();
    for (const end of this.ends) end();
  }

  #see(job) {
    const known = this.#jobs.get(job.id);
    if (isPreview(job) || (!known && !this.takes(job))) return;
    if (known) this.#jobs.set(job.id, { ...job, progress: joined(known.progress, job.progress) });
    if (!known || (job.done && !job.completed_at)) this.#want(job.id);
    if (known) this.#tell();
  }

  #want(id) {
    this.#wanted.add(id);
    if (!this.#reading) this.#read();
  }

  async #read() {
    this.#reading = true;
    try {
      await new Promise((resolve) => setTimeout(resolve, 200)); // more may come at once
      const ids = [...this.#wanted].slice(-AT_ONCE);
      this.#wanted.clear();
      const { data } = await read(ids, [...FIELDS, "queue"]);
      this.take(data);
    } catch {
      // the next list or event brings it
    }
    this.#reading = false;
    if (this.#wanted.size) this.#read();
  }

  async #ask(jobs) {
    const some = jobs.filter((job) => job.status === "queued" || shows(job)).slice(0, MOST_ASKED);
    if (document.hidden || !some.length) return;
    const { data } = await read(some.map((job) => job.id), CHANGING).catch(() => ({ data: [] }));
    for (const job of data) if (this.#jobs.has(job.id)) store.put(job);
  }

  /** Much may change at once, and is drawn once. */
  #tell() {
    this.#frame ??= requestAnimationFrame(() => ((this.#frame = null), this.dispatchEvent(new Event("change"))));
  }
}

const read = (ids, fields) => api.post("v1/jobs:read", { ids, fields });

const shows = (job) => job.status === "running" && job.input?.optimize?.preview_every > 0;

/** Events tell of progress without the address of its picture. */
function joined(known, progress) {
  return progress && { ...progress, preview_url: progress.preview_url ?? known?.preview_url };
}
