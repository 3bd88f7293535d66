// A recipe, as the fields of the panel take it.

import { api, h, t } from "../../base.js";
import { Made, Photo } from "./photos.js";
import { AS_THE_MODEL, STROKES } from "./settings.js";

const SHOWN = new Set(["type", "model", "content", "styles", "strength", "stroke", "preserve_color", "mask", "size", "output", "metadata", "lane", "webhook", "ttl_seconds", "recipe"]);

/** Return a result's recipe with its pictures: they are files of the service, under the ids that they had. */
export async function recipeOf(id) {
  const { input } = await api.get(`v1/jobs/${id}`);
  const { content, mask } = input;
  return { ...(await filled(input)), photos: [await photoOf(content)], mask: mask && (await file(mask, "mask")) };
}

/** Return settings of a job with the pictures of their styles; what they leave out has its default. */
export async function filled(settings) {
  const input = { ...settings, output: { format: "png", ...settings.output } };
  const styles = await Promise.all((input.styles ?? []).map(async (style) => ({ ...style, file: await styleFile(style) })));
  return { input, styles, rest: { ...restOf(input), output: input.output } };
}

/** Return what no field of the panel shows, and the result was made with. */
const restOf = (input) => Object.fromEntries(Object.entries(input).filter(([name, value]) => !SHOWN.has(name) && value !== null && value !== false));

function styleFile({ image, name }) {
  if (image) return file(image, name ?? "style");
  return name ? read(`v1/styles/${encodeURIComponent(name)}/image`, name) : null;
}

/** Return the pictures of a job as photos. */
export async function made(id) {
  const job = await api.get(`v1/jobs/${id}`);
  return job.outputs.map((_, number) => new Made(job, number));
}

async function photoOf(content) {
  const [job, number] = jobOf(content);
  return job ? (await made(job))[number] : new Photo(await file(content, "photo"));
}

/** Fill in the fields of the settings; `rest` is what no field shows, and holds for its model. */
export async function fillIn(settings, { input, mask = null, rest }) {
  await settings.models;
  const has = (select, value) => [...select.options].some((option) => option.value === value);
  const choose = (select, value, otherwise = "") => (select.value = has(select, String(value)) ? value : otherwise);
  const { output, stroke, size } = input;
  const isStep = STROKES.includes(stroke);
  choose(settings.kind, input.type === "transform" && input.model);
  settings.showKind();
  choose(settings.model, input.model);
  settings.rest = isStep ? rest : { ...rest, stroke };
  settings.strength.value = input.strength ?? 1;
  settings.stroke.value = isStep ? STROKES.indexOf(stroke) : AS_THE_MODEL;
  settings.color.checked = Boolean(input.preserve_color);
  const side = String(size?.max_side ?? "");
  if (!has(settings.size, side)) settings.size.append(h("option", { value: side }, t("paint.size-value", { side: Number(side) })));
  settings.size.value = side;
  choose(settings.enlarge, output.enlarge);
  choose(settings.format, output.format, "jpeg");
  for (const each of settings.takenOver) choose(each, output[each.name]);
  for (const each of settings.ways) {
    choose(each, input[each.name]);
    delete settings.rest[each.name];
  }
  settings.setMask(mask);
}

const jobOf = (content) => /^job:(.+)\/(\d+)$/.exec(content)?.slice(1) ?? [];

/** Return the picture of a file, or of another job. */
function file(id, name) {
  const [job, number] = jobOf(id);
  return read(job ? `v1/jobs/${job}/outputs/${number}` : `v1/files/${id}/content`, name);
}

async function read(address, name) {
  const blob = await api.blob(address);
  return new File([blob], name, { type: blob.type });
}
