// One result, large, with its recipe, and what can be done with it.

import {
  api, bytes, fill, h, href, icon, notify, number, seconds, session, store, submit, t, tell, unique, when,
} from "../../base.js";
import { confirm, openDialog } from "../../parts/dialog.js";
import { select } from "../../parts/fields.js";
import { faultText, reasonText, styleName, title } from "../../parts/job-words.js";
import { picker } from "../../parts/picking.js";
import { retry } from "../work/acts.js";

const MOST_SHOWN = 64; // pictures of one job that are shown at once

/** Show a job in a dialog, and return the dialog. */
export function openResult(job) {
  const pictures = h("div", { class: "result-pictures" });
  const facts = h("div", { class: "stack" });
  const close = h("button", { class: "quiet dialog-close", "aria-label": t("dialog.close"), on: { click: () => dialog.close() } }, icon("close"));
  const dialog = openDialog(title(job), "result", close, h("div", { class: "result-body" }, pictures, facts));
  const further = mayGoOn(job) && onward(job);
  const show = (now) => {
    if (now.id !== job.id || !now.input) return;
    fill(facts, status(now), actions(now, dialog), further, recipe(now), keeping(now));
  };
  fill(pictures, job.outputs.slice(0, MOST_SHOWN).map((output) => picture(output, job)), job.outputs.length ? null : h("p", { class: "empty" }, t("gallery.no-picture")));
  const ends = [store.on("job", show), store.on("deleted", (id) => id === job.id && dialog.close())];
  dialog.addEventListener("close", () => ends.forEach((end) => end()));
  show(job);
  return dialog;
}

function picture(output, job) {
  const alt = output.seed === null ? title(job) : t("gallery.of-seed", { title: title(job), seed: String(output.seed) });
  return h("a", { href: href(output.url), target: "_blank", title: t("gallery.whole") },
    h("img", { src: href(output.url), alt, width: output.width, height: output.height, loading: "lazy", decoding: "async" }));
}

function status(job) {
  const lines = [h("p", { class: "row" }, h("span", { class: `tag ${job.status}` }, t(`status.${job.status}`)), job.pinned_at && h("span", { class: "tag" }, icon("pin"), t("gallery.pinned")))];
  if (job.queue) lines.push(h("p", { class: "hint" }, reasonText(job.queue)));
  if (job.error) lines.push(h("p", { class: "fault-text" }, faultText(job.error)));
  return lines;
}

function actions(job, dialog) {
  if (!session.may("submit")) return downloads(job);
  const panel = job.type === "generate" ? "digits" : "paint";
  const isOwn = job.done && !job.batch_id;
  return h("div", { class: "row" },
    panel && h("a", { class: "button primary", href: `#/${panel}/again/${job.id}` }, icon("redo"), t("gallery.again")),
    mayPaintAnother(job) && another(job),
    job.status === "succeeded" && h("a", { class: "button", href: `#/paint/photo/${job.id}` }, icon("image"), t("gallery.as-photo")),
    downloads(job),
    isOwn && button(job.pinned_at ? "unpin" : "pin", "pin", async (name) => store.put(await api.post(`v1/jobs/${job.id}/${name}`))),
    isOwn && job.status !== "succeeded" && !job.retried_as && button("retry", "redo", async () => retryIt(job, dialog)),
    isOwn && button("delete", "trash", async () => remove(job, dialog)),
    job.batch_id && h("a", { class: "button", href: `#/work/${job.batch_id}` }, icon("stack"), t("gallery.batch")));
}

/** Whether the picture holds how it was made, and another photo can be made in the same way. */
const mayPaintAnother = ({ input, outputs }) => Boolean(input.content && input.output?.recipe !== false && outputs.length === 1);

/** Return a button that takes another photo, to be painted by the recipe that rides in the picture. */
function another(job) {
  const run = async (photos) => {
    const form = new FormData();
    form.append("picture", await api.blob(job.outputs[0].url), "picture");
    form.append("content", photos[0], "photo");
    store.put(await api.form("v1/jobs/again", form, { headers: { "Idempotency-Key": unique() } }));
    notify(t("gallery.another-sent"));
  };
  const input = picker((photos) => photos.length && run(photos).catch(tell), { many: false, label: t("gallery.another") });
  return h("span", {}, input, h("button", { data: { act: "another" }, on: { click: () => input.click() } }, icon("image"), t("gallery.another")));
}

/** Return a form that sends the picture through a model, such as one that enlarges: the service takes it where it is. */
function onward(job) {
  const models = select("model", [], { "aria-label": t("gallery.through") });
  const form = h("form", { class: "row", hidden: true, on: { submit: (event) => (event.preventDefault(), send().catch(tell)) } },
    h("div", { class: "grow" }, models), h("button", { data: { act: "through" } }, t("gallery.through-send")));
  const send = async () => {
    const { format } = job.input.output;
    await submit({ type: "transform", model: models.value, content: { job: job.id, output: 0 }, output: { format }, metadata: { from: "page" } });
    notify(t("gallery.another-sent"));
  };
  api.get("v1/models").then(({ data }) => {
    const fit = data.filter(({ type, available }) => type === "transform" && available);
    models.append(...fit.map(({ name, title }) => h("option", { value: name }, title)));
    form.hidden = !fit.length;
  }, tell);
  return form;
}

/** Whether there is one picture, which another model can take. */
const mayGoOn = ({ status, input, outputs }) => session.may("submit") && status === "succeeded" && outputs.length === 1 && !input.animation && input.output?.format !== "gif";

const NOT_KEPT = new Set(["content", "mask", "recipe", "lane", "ttl_seconds", "deadline_seconds", "not_before", "cache", "webhook", "metadata"]);

/** Return the settings of a job that a recipe may keep; null where a style is a picture without a name. */
function settingsOf({ input }) {
  const given = Object.entries(input).filter(([name, value]) => value !== null && !NOT_KEPT.has(name));
  const styles = input.styles?.map(({ name, number, weight }) => (name ? { name, weight } : { number, weight }));
  if (styles?.some(({ name, number }) => !name && (number === null || number === undefined))) return null;
  const { recipe: _, ...output } = input.output;
  return { ...Object.fromEntries(given), output, ...(styles && { styles }) };
}

/** Return a form that keeps the settings of a job as a recipe; none where they cannot be kept. */
function keeping(job) {
  const settings = session.may("submit") && settingsOf(job);
  if (!settings) return null;
  const name = h("input", { type: "text", required: true, pattern: "[a-z0-9][a-z0-9._\\-]{0,63}", "aria-label": t("recipe.name"), placeholder: "print-a3" });
  const keep = async (event) => {
    event.preventDefault();
    await api.post("v1/recipes", { name: name.value, settings }).then((kept) => notify(t("recipe.kept", { name: kept.reference }))).catch(tell);
  };
  return h("form", { class: "row", on: { submit: keep } }, name, h("button", { data: { act: "recipe" } }, t("recipe.keep")));
}

const downloads = (job) => (job.outputs.length === 1 ? [h("a", { class: "button", href: href(job.outputs[0].url), download: nameOf(job) }, icon("download"), t("gallery.download"))] : []);

const nameOf = (job) => `${job.custom_id?.replaceAll("/", "-") ?? job.id}.${job.outputs[0].content_type.split("/")[1]}`;

function button(name, image, run) {
  const press = async (event) => {
    const element = event.currentTarget;
    element.disabled = true;
    await run(name).catch(tell);
    element.disabled = false;
  };
  return h("button", { data: { act: name }, on: { click: press } }, icon(image), t(`gallery.${name}`));
}

async function retryIt(job, dialog) {
  await retry(job);
  dialog.close();
  notify(t("gallery.retried"));
}

async function remove(job, dialog) {
  const text = t("gallery.delete-text", { count: Math.max(1, job.outputs.length) });
  if (!(await confirm(t("gallery.delete-title", { title: title(job) }), text, t("gallery.delete")))) return;
  await api.delete(`v1/jobs/${job.id}`);
  store.apply({ type: "deleted", data: { id: job.id } }); // before the event says so
  dialog.close();
  notify(t("gallery.deleted"));
}

function recipe(job) {
  const rows = facts(job).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", {}, t(`fact.${name}`)), h("dd", { class: "num" }, value)]));
}

function facts(job) {
  const { input, model } = job;
  const output = job.outputs[0];
  const took = job.started_at && job.completed_at ? (Date.parse(job.completed_at) - Date.parse(job.started_at)) / 1000 : null;
  return [
    ["model", `${model.name}${model.version ? ` (${model.version})` : ""}`],
    ["styles", input.styles?.map((style) => styleName(style) + (input.styles.length > 1 ? ` × ${number(style.weight)}` : "")).join(", ")],
    ["strength", input.strength !== undefined && input.strength !== null ? number(input.strength) : null],
    ["stroke", input.stroke && String(input.stroke)],
    ["preserve_color", input.preserve_color ? t("fact.yes") : null],
    ["mask", input.mask ? t("fact.yes") : null],
    ["steps", input.optimize ? number(input.optimize.steps) : null],
    ["seeds", seedsText(input.seeds ?? input.interpolate?.seeds)],
    ["digit", input.digits ?? (input.digit === null || input.digit === undefined ? null : String(input.digit))],
    ["truncation", input.truncation && input.truncation !== 1 ? number(input.truncation) : null],
    ["size", output ? `${output.width} × ${output.height}, ${bytes(output.bytes)}` : null],
    ["metadata", metadataText(job.metadata)],
    ["created", when(job.created_at)],
    ["took", took === null ? null : seconds(took)],
    ["expires", job.expires_at ? when(job.expires_at) : null],
    ["id", h("code", {}, job.id)],
  ];
}

const seedsText = (seeds) => seeds && (seeds.length > 6 ? `${seeds[0]} … ${seeds.at(-1)}` : seeds.join(", "));

const metadataText = (metadata) => Object.entries(metadata ?? {}).map(([name, value]) => `${name}=${value}`).join(", ");
