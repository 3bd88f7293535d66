// What is known of jobs and batches, kept up to date by the stream of events.

import { events } from "./events.js";

/** Tells `job`, `batch` (detail: the record), `deleted` (detail: its id) and `reset`: read your lists now. */
class Store extends EventTarget {
  #records = new Map();

  /** Return what is known of a job or a batch; undefined where nothing is. */
  get(id) {
    return this.#records.get(id);
  }

  /** Take a record, or a part of one, that a response had. What has ended does not begin again. */
  put(record) {
    const known = this.#records.get(record.id);
    if (known?.done && record.done === false && !reopens(record)) return known;
    const merged = { ...known, ...record };
    this.#records.set(record.id, merged);
    this.#tell(record.object, merged);
    return merged;
  }

  /** Call `listener` with the detail of each event of a type; returns what ends that. */
  on(type, listener) {
    const call = (event) => listener(event.detail);
    this.addEventListener(type, call);
    return () => this.removeEventListener(type, call);
  }

  apply({ type, data }) {
    if (type === "job" || type === "batch") this.put(data);
    if (type === "deleted") {
      this.#records.delete(data.id);
      this.#tell("deleted", data.id);
    }
    if (type === "reset") this.#tell("reset", data.reason);
  }

  clear() {
    this.#records.clear();
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

const reopens = (record) => record.object === "batch"; // by retry-failed

export const store = new Store();
events.addEventListener("event", (event) => store.apply(event.detail));
