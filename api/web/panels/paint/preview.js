// Quick previews: the newest wish alone counts, and the job of an older one is canceled.

import { cancel, done, submit } from "../../core/jobs.js";

export class Preview {
  #running = null; // { stopper, id }

  /** Return the picture's address for the job that `make` gives; null when a newer wish came meanwhile. */
  async show(make) {
    this.stop();
    const mine = (this.#running = { stopper: new AbortController(), id: null });
    const { signal } = mine.stopper;
    try {
      const job = await submit(await make(signal), { signal });
      mine.id = job.id;
      if (signal.aborted) return void cancel(job.id).catch(() => {});
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
