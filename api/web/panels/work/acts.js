// What a person can do with a job or a batch. Each tells how it went, and never throws.

import { api, cancel, h, notify, store, t, tell } from "../../base.js";
import { askForm, confirm } from "../../parts/dialog.js";
import { field } from "../../parts/fields.js";
import { endField, endOf } from "../../parts/pause-end.js";

const path = (record) => `v1/${record.object === "batch" ? "batches" : "jobs"}/${record.id}`;

async function moved(record, where) {
  store.put(await api.post(`${path(record)}/move`, where));
  notify(t("work.moved"));
}

async function changed(record, name) {
  store.put(await api.post(`${path(record)}/${name}`));
}

const ACTS = {
  cancel: (job) => cancel(job.id),
  retry,
  front: (record) => moved(record, { to: "front" }),
  back: (record) => moved(record, { to: "back" }),
  lane: (record, { lane }) => moved(record, { lane }),
  pause: askPause,
  resume: (batch) => changed(batch, "resume"),
  "cancel-batch": cancelBatch,
  "retry-failed": retryFailed,
};

/** Do it, by its name; `more` has what the name does not say. */
export async function act(name, record, more = {}) {
  try {
    await ACTS[name](record, more);
  } catch (error) {
    tell(error);
  }
}

/** Try a job again, and return the new one. */
export async function retry(job) {
  const next = store.put(await api.post(`${path(job)}/retry`));
  if (next.id !== job.id && !job.batch_id) store.put({ id: job.id, object: "job", done: true, retried_as: next.id });
  return next;
}

async function cancelBatch(batch) {
  const left = batch.counts.queued + batch.counts.running;
  if (await confirm(t("batch.cancel-title", { name: batch.name || batch.id }), t("batch.cancel-text", { count: left }), t("batch.cancel-batch")))
    await changed(batch, "cancel");
}

async function retryFailed(batch) {
  const { count } = await api.post(`${path(batch)}/retry-failed`);
  notify(t("batch.retried", { count }));
  store.put(await api.get(path(batch)));
}

function askPause(batch) {
  const reason = h("input", { name: "reason", maxlength: "200", autocomplete: "off" });
  askForm(t("batch.pause-title", { name: batch.name || batch.id }), [field(t("pause.reason"), reason), endField()], t("batch.pause"), async (form) => {
    store.put(await api.post(`${path(batch)}/pause`, { ...(form.reason && { reason: form.reason }), ...endOf(form) }));
  });
}
