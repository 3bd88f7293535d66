// The full size: one job for one photo, one batch for many.

import { api } from "../../core/api.js";
import { done, submit } from "../../core/jobs.js";
import { store } from "../../core/store.js";
import { eachOf } from "../../parts/pool.js";
import { batchOf } from "./request.js";

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

/** Upload many photos and make one batch of them; `uploaded` is called with how many are there. Returns the batch. */
export async function paintMany(photos, make, name, uploaded) {
  let there = 0;
  const ids = await eachOf(photos, async (photo) => {
    const id = await photo.id({ patience: 300 });
    uploaded((there += 1));
    return { id, label: labelOf(photo.name) };
  });
  return store.put(await api.create("v1/batches", batchOf(ids, await make(ids[0].id), name)));
}

/** Call `told` with a batch whenever it changes, and once it is done with the whole record. Returns what ends it. */
export function followBatch(id, told) {
  return store.on("batch", async (record) => {
    if (record.id !== id) return;
    told(record.done && !record.urls ? { ...record, ...(await api.get(`v1/batches/${id}`)) } : record);
  });
}

/** Return a name that may stand in an archive. */
function labelOf(name) {
  const plain = name.replace(/\.[^.]*$/, "").normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-");
  return plain.replace(/^-+|-+$/g, "").slice(0, 32) || "photo";
}
