// The full size: one job for one photo, one batch for many.

import { api, done, Problem, store, submit, tell } from "../../base.js";
import { eachOf } from "../../parts/pool.js";
import { batchOf } from "./request.js";

const BAD_FILE = new Set([413, 415, 422]);

/** Paint one photo; `told` is called with the job while it waits and runs. Returns the job at its end. */
export async function paintOne(photo, make, told) {
  const job = await submit(await make(await photo.id()));
  const off = store.on("job", (record) => record.id === job.id && told(record));
  told(job);
  try {
    return await done(job.id);
  } finally {
    off();
  }
}

/** Upload many photos and make one batch of those that are pictures; `uploaded` is called with how many were
 * sent, `refused` with each photo that is none, and why. Returns the batch. */
export async function paintMany(photos, make, { name, uploaded, refused }) {
  let sent = 0;
  const uploads = await eachOf(photos, async (photo) => {
    const id = await photo.id({ patience: 300 }).catch((error) => passOver(error, () => refused(photo, error)));
    uploaded((sent += 1));
    return id && { id, label: labelOf(photo.name) };
  });
  const there = uploads.filter(Boolean);
  if (!there.length) return null;
  return store.put(await api.create("v1/batches", batchOf(there, await make(there[0].id), name)));
}

/** Call `note` where one file is at fault; raise what is the matter with all of them. */
function passOver(error, note) {
  if (!(error instanceof Problem) || !BAD_FILE.has(error.status)) throw error;
  note();
  return null;
}

/** Call `told` with a batch whenever it changes, with the whole record once it is done. Returns what ends it. */
export function followBatch(id, told) {
  const read = () => api.get(`v1/batches/${id}`).then((whole) => store.put(whole), tell); // which tells `batch` again
  const offs = [
    store.on("batch", (record) => record.id === id && (record.done && !record.completed_at ? read() : told(record))),
    store.on("reset", read),
  ];
  return () => offs.forEach((off) => off());
}

/** Return a name that may stand in an archive. */
function labelOf(name) {
  const plain = name.replace(/\.[^.]*$/, "").normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-");
  return plain.replace(/^-+|-+$/g, "").slice(0, 32) || "photo";
}
