// What is asked of the service: a job for a photo, and the same as programs would send it.

/** Return a job. `styles` are members of `styles`, `settings` what the panel's fields say: with `transform`, the
 * name of a model, no style has a part in it. */
export function jobFor(content, styles, settings) {
  const { transform, model, strength, stroke, preserveColor, mask, maxSide, output, rest } = settings;
  const { output: other, ...more } = rest ?? {};
  const ends = { size: maxSide ? { max_side: maxSide } : undefined, output: compact({ ...other, ...output }), metadata: { from: "page" } };
  if (transform) return compact({ type: "transform", model: transform, content, ...ends });
  if (model) delete more.precision; // a field of the usual model
  return compact({
    ...more,
    type: "stylize",
    model,
    content,
    styles,
    strength,
    stroke: stroke ?? more.stroke,
    preserve_color: preserveColor || undefined,
    mask,
    ...ends,
  });
}

/** Return the job of a quick look: small, soon, and soon forgotten. */
export function previewOf(job, side) {
  const size = { max_side: Math.min(side, job.size?.max_side ?? side) };
  const metadata = { from: "page", preview: "yes" };
  return { ...job, size, output: { format: "jpeg", quality: 88 }, metadata, lane: "interactive", ttl_seconds: 600, cache: true };
}

/** Return the batch of many photos in one manner; `photos` are ids of files, each with a label. */
export function batchOf(photos, job, name) {
  const { content: _, metadata, ...template } = job;
  return { name, template: { ...template, multiply: { content: photos } }, metadata };
}

const compact = (value) => Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined && each !== null));
