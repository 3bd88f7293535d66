// Jobs that follow a person's hand: the newest wish alone counts, and the job of an older one is canceled.

import { cancel, done, submit } from "./jobs.js";

export class Newest {
  #running = null; // { stopper, id }

  /** Submit what `make` returns, and return the job at its end; null when a newer wish came meanwhile. `told` is
   * called with the job as it was accepted. */
  async run(make, told = () => {}) {
    this.stop();
    const mine = (this.#running = { stopper: new AbortController(), id: null });
    const { signal } = mine.stopper;
    try {
      const job = await submit(await make(signal), { signal });
      mine.id = job.id;
      if (signal.aborted) return void cancel(job.id).catch(() => {});
      told(job);
      const ended = await done(job.id, { signal });
      return signal.aborted ? null : ended;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    } finally {
      if (this.#running === mine) this.#running = null;
    }
  }

  stop() {
    const { stopper, id } = this.#running ?? {};
    stopper?.abort();
    if (id) cancel(id).catch(() => {}); // it ends by itself within a second
    this.#running = null;
  }
}
