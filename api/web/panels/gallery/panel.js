// Gallery: what was made, newest first, page by page.

import { api, fill, h, late, store, t, tell } from "../../base.js";
import { beginLink, FIELDS, isPreview } from "../../parts/job-words.js";
import { KeyedList } from "../../parts/keyed-list.js";
import { SearchForm } from "./search-form.js";
import { Tile } from "./tile.js";

const PAGE = 60; // tiles on the page
const MOST_STEPS = 20; // pages that are read for one that is shown: a narrow search finds few on each

export class Gallery extends HTMLElement {
  #cursors = [null]; // of the pages up to this one
  #next = null;
  #jobs = [];
  #reading = null;

  connectedCallback() {
    if (this.list) return;
    this.form = new SearchForm((search) => this.#search(search));
    const tiles = h("ul", { class: "tiles" });
    this.list = new KeyedList(tiles, () => new Tile());
    this.state = h("p", { class: "empty", role: "status" }, t("list.reading"));
    this.newer = h("button", { on: { click: () => this.#turn(-1) } }, t("gallery.newer"));
    this.older = h("button", { on: { click: () => this.#turn(1) } }, t("gallery.older"));
    this.turns = h("nav", { class: "row", "aria-label": t("gallery.pages"), hidden: true }, this.newer, this.older);
    fill(this, h("h1", { tabindex: "-1" }, t("nav.gallery")), this.form.element, this.state, tiles, this.turns);
    store.on("reset", () => this.#soon());
    store.on("job", (job) => this.#see(job));
    store.on("deleted", (id) => this.#drop(id));
  }

  /** `rest` is empty, has a search, or names a job to be looked at: ["job", id]. */
  show([first, id]) {
    if (first === "job") this.#look(id);
    else if (first) this.form.set(new URLSearchParams(first));
    if (!this.#reading || this.isStale) this.#read();
  }

  hide() {
    this.dialog?.close();
    this.isStale = true;
  }

  async #look(id) {
    try {
      const [job, { openResult }] = await Promise.all([api.get(`v1/jobs/${id}`), late(import("./result.js"))]);
      this.dialog?.close();
      this.dialog = openResult(job);
      this.dialog.addEventListener("close", () => location.hash.startsWith("#/gallery/job/") && history.replaceState(null, "", `#/gallery${this.form.hash}`));
    } catch (error) {
      tell(error);
    }
  }

  #search() {
    history.replaceState(null, "", `#/gallery${this.form.hash}`);
    this.#cursors = [null];
    this.#read();
  }

  #turn(by) {
    if (by > 0) this.#cursors.push(this.#next);
    else this.#cursors.pop();
    this.#read().then(() => this.querySelector("h1").focus());
  }

  async #read() {
    const stopper = new AbortController();
    this.#reading?.abort();
    this.#reading = stopper;
    this.isStale = false;
    try {
      const page = await this.#page(stopper.signal);
      [this.#jobs, this.#next] = [page.jobs, page.next];
      this.#show();
    } catch (error) {
      tell(error);
    }
  }

  /** Return some jobs from the place of this page on. Previews of the page itself are none of them. */
  async #page(signal) {
    const jobs = [];
    let next = this.#cursors.at(-1);
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const params = { ...this.form.params, limit: PAGE - jobs.length, cursor: next, fields: FIELDS.join(",") };
      const page = await api.get("v1/jobs", params, { signal });
      jobs.push(...page.data.filter((job) => !isPreview(job)));
      next = page.next_cursor;
      if (!next || jobs.length >= PAGE) break;
      if (!jobs.length) fill(this.state, t("gallery.searching"));
    }
    return { jobs, next };
  }

  #show() {
    this.list.show(this.#jobs);
    this.state.hidden = this.#jobs.length > 0;
    const nothing = this.form.isNarrow ? [t("gallery.none-found")] : [t("gallery.empty"), " ", beginLink()];
    if (!this.#jobs.length) fill(this.state, this.#next ? t("gallery.far") : nothing);
    this.newer.disabled = this.#cursors.length < 2;
    this.older.disabled = !this.#next;
    this.turns.hidden = this.newer.disabled && this.older.disabled;
  }

  #see(job) {
    const place = this.#jobs.findIndex((each) => each.id === job.id);
    if (place >= 0 && job.urls) this.#jobs[place] = job;
    if (place >= 0) this.list.show(this.#jobs);
    else if (job.done && !job.outputs) this.#soon(); // an event told that it has ended just now
  }

  #drop(id) {
    const rest = this.#jobs.filter((job) => job.id !== id);
    if (rest.length === this.#jobs.length) return;
    this.#jobs = rest;
    this.#show();
  }

  /** Read the newest page again, as something has ended; another page stays as it is. */
  #soon() {
    if (this.hidden) return void (this.isStale = true);
    if (this.#cursors.length > 1) return;
    this.soon ??= setTimeout(() => ((this.soon = null), this.#read()), 1000);
  }
}

customElements.define("atelier-gallery", Gallery);
