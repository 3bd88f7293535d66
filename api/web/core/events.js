// The one stream of what changes of all jobs and batches. Read by fetch: an EventSource would send no key.

import { delay, problemOf, send } from "./api.js";
import { session } from "./session.js";

const SILENCE_SECONDS = 40; // the service says something every 15 seconds
const HIDDEN_SECONDS = 20; // a browser has six connections to a host, and a hidden tab needs none of them

/** Tells `event` (type, data) and `state`: "connecting", "live" or "offline". */
class EventStream extends EventTarget {
  state = "connecting";
  #last = "";
  #wanted = false;
  #stopper = null; // ends what runs
  #hiding = 0;

  constructor() {
    super();
    document.addEventListener("visibilitychange", () => this.#follow());
    window.addEventListener("online", () => this.#reconnect());
    session.addEventListener("end", () => ((this.#last = ""), this.stop()));
  }

  /** Follow the events until the session ends, or `stop` is called. */
  start() {
    this.#wanted = true;
    this.#open();
  }

  stop() {
    this.#wanted = false;
    this.#close();
  }

  #open() {
    if (this.#stopper) return;
    this.#stopper = new AbortController();
    this.#run(this.#stopper.signal).catch(() => {}); // ended by stop()
  }

  #close() {
    this.#stopper?.abort();
    this.#stopper = null;
  }

  #follow() {
    clearTimeout(this.#hiding);
    if (!document.hidden && this.#wanted) this.#open();
    if (document.hidden) this.#hiding = setTimeout(() => this.#close(), HIDDEN_SECONDS * 1000);
  }

  #reconnect() {
    if (this.state !== "offline" || !this.#stopper) return;
    this.#close();
    this.#open();
  }

  async #run(signal) {
    for (let pause = 0.25; !signal.aborted; pause = Math.min(pause * 2, 4)) {
      const began = Date.now();
      await this.#connect(signal).catch(() => {}); // whatever broke it: it is opened again
      if (signal.aborted) return;
      this.#tell("offline");
      if (Date.now() - began > 10_000) pause = 0.25;
      await delay(pause * 1000, signal);
    }
  }

  async #connect(signal) {
    const headers = this.#last ? { "Last-Event-ID": this.#last } : {};
    const silence = new AbortController();
    const either = AbortSignal.any([signal, silence.signal]);
    let timer = setTimeout(() => silence.abort(), SILENCE_SECONDS * 1000);
    try {
      const response = await send("GET", "v1/events", { headers, signal: either });
      if (!response.ok) throw await problemOf(response);
      this.#tell("live");
      for await (const text of texts(response.body)) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_SECONDS * 1000);
        for (const block of text) this.#take(block);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #take(block) {
    const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
    if (fields.id) this.#last = fields.id;
    if (fields.event) this.dispatchEvent(new CustomEvent("event", { detail: eventOf(fields) }));
  }

  #tell(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }
}

const eventOf = (fields) => ({ type: fields.event, data: JSON.parse(fields.data) });

/** Yield the whole blocks of a stream of server-sent events, those that have come together at once. */
async function* texts(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const blocks = (rest + piece.value).split("\n\n");
    rest = blocks.pop();
    yield blocks;
  }
}

export const events = new EventStream();
