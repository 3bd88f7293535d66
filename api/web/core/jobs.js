// Jobs from the page's side: upload, submit, wait for the end, cancel.

import { api, Problem } from "./api.js";
import { store } from "./store.js";

const WAIT_SECONDS = 20;

/** Upload a picture and return its record. The same bytes have the same id, so a repetition changes nothing. */
export function upload(file, options = {}) {
  const form = new FormData();
  form.append("file", file, "picture");
  return api.form("v1/files", form, options);
}

/** Submit a job and return its record; with `wait`, after so many seconds at most, done if it is by then. */
export async function submit(spec, options = {}) {
  return store.put(await api.create("v1/jobs", spec, options));
}

/** Return the whole record of a job once it is done, whatever its end. */
export async function done(id, { signal, wait = WAIT_SECONDS } = {}) {
  for (;;) {
    const job = store.put(await api.get(`v1/jobs/${id}`, { wait }, { signal, patience: 120 }));
    if (job.done) return job;
  }
}

/** Cancel a job. One that has ended meanwhile is left as it is. */
export async function cancel(id) {
  try {
    return store.put(await api.post(`v1/jobs/${id}/cancel`));
  } catch (error) {
    if (error instanceof Problem && [404, 409, 410].includes(error.status)) return null;
    throw error;
  }
}
