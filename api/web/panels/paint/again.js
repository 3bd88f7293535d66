// The recipe of a result, as the panel's fields take it.

import { api } from "../../base.js";

const SHOWN = new Set(["type", "model", "content", "styles", "strength", "stroke", "preserve_color", "mask", "size", "output", "metadata", "lane", "webhook", "ttl_seconds", "recipe"]);

/** Return a result's recipe with its pictures: they are files of the service, under the ids that they had. */
export async function recipeOf(id) {
  const { input } = await api.get(`v1/jobs/${id}`);
  const styles = await Promise.all(input.styles.map(async (style) => ({ ...style, file: await styleFile(style) })));
  return {
    input,
    styles,
    photo: await file(input.content, "photo"),
    mask: input.mask && (await file(input.mask, "mask")),
    rest: { ...restOf(input), quality: input.output.quality },
  };
}

/** Return what no field of the panel shows, and the result was made with. */
const restOf = (input) => Object.fromEntries(Object.entries(input).filter(([name, value]) => !SHOWN.has(name) && value !== null && value !== false));

const styleFile = (style) => (style.image ? file(style.image, style.name ?? "style") : null);

/** Return the picture of a file, or of another job: `job:ID/NUMBER`. */
export async function file(id, name) {
  const [, job, number] = /^job:(.+)\/(\d+)$/.exec(id) ?? [];
  const blob = await api.blob(job ? `v1/jobs/${job}/outputs/${number}` : `v1/files/${id}/content`);
  return new File([blob], name, { type: blob.type });
}
