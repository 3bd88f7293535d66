// Jobs in words: what one makes, why it waits, how it failed.

import { h, has, href, language, seconds, session, t, told, when } from "../base.js";

/** What lists read of a job; `queue` is costly, so it is read apart, of those that wait. */
export const FIELDS = [
  "id", "object", "type", "status", "done", "progress", "input", "model", "metadata", "outputs", "warnings", "error",
  "created_at", "started_at", "completed_at", "expires_at", "pinned_at", "batch_id", "index", "custom_id", "retried_as",
];

/** Whether a job is a quick preview of the page, which no list shows. */
export const isPreview = (job) => job.metadata?.preview === "yes";

/** Return in a few words what a job makes. */
export function title(job) {
  const { input } = job;
  if (!input) return t("job.any");
  if (job.type === "generate") return digitsTitle(input);
  if (job.type === "stylize") return t("job.stylize", { styles: stylesText(job) });
  return t("job.transform", { model: job.model?.name ?? input.model });
}

function digitsTitle(input) {
  const walk = input.interpolate;
  if (walk) return t("job.walk", { count: (((walk.seeds ?? walk.latents).length - 1) * (walk.steps - 1)) + 1 });
  if (input.digits) return t("job.number", { digits: input.digits });
  const count = (input.seeds ?? input.latents ?? [0]).length;
  return input.digit === null || input.digit === undefined
    ? t("job.digits", { count }) : t("job.digit", { count, digit: String(input.digit) });
}

/** Return the names of a painting's styles. */
export const stylesText = ({ input }) => input.styles.map(styleName).join(" + ");

/** Return the name of one style of a job. */
export function styleName(style) {
  if (style.name) return style.name;
  return style.number === null || style.number === undefined ? t("job.own-style") : t("job.style-number", { number: style.number });
}

/** Return why something waits, as a sentence. */
export const reasonText = (hold) => sentenceOf(reasonOf(hold));

function reasonOf({ reason, until, detail }) {
  const isKnown = has(`queue.${reason}`);
  const why = isKnown ? t(`queue.${reason}`) : reason;
  const parts = [until ? t("queue.reason-until", { reason: why, time: when(until) }) : why];
  if (detail && (reason === "paused" || !isKnown)) parts.push(`(${detail})`);
  return parts.join(" ");
}

const sentenceOf = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Return where a waiting job is and why, as a line. */
export function waitingText(queue) {
  if (!queue) return t("job.queued");
  const { position, eta_seconds: eta } = queue;
  const place = position ? t("queue.place", { position }) : "";
  const left = eta === null || eta === undefined ? "" : t("queue.left", { time: seconds(eta) });
  return sentenceOf([place, left, reasonOf(queue)].filter(Boolean).join(" · "));
}

/** Return how far a running job is, as a line. */
export function progressText(progress) {
  if (!progress) return t("job.running");
  const { stage, step, total } = progress;
  const name = has(`stage.${stage}`) ? t(`stage.${stage}`) : stage;
  return total ? t("job.step", { stage: name, step, total }) : name;
}

/** Return the link to where work begins, for those who may submit. */
export const beginLink = () => session.may("submit") && h("a", { href: "#/paint" }, t("work.begin"));

/** Return a text of the service, which speaks English on a page of any language. */
export const foreign = (text, props = {}) => h("span", language === "en" ? props : { ...props, lang: "en" }, text);

/** Return why a job failed, and the name of that. */
export const faultText = (error) => [has(`problem.${error.code}`) ? told(error) : foreign(told(error)), " ", h("code", {}, error.code)];

/** Return what to do about jobs that failed with a code. */
export const hintText = ({ code, hint }) => (has(`hint.${code}`) ? t(`hint.${code}`) : foreign(hint));

/** Return a small picture of an output. Its room is there before it comes. */
export function smallPicture(output, side, alt) {
  const scale = Math.min(1, side / Math.max(output.width, output.height));
  const size = { width: Math.max(1, Math.round(output.width * scale)), height: Math.max(1, Math.round(output.height * scale)) };
  return h("img", { src: href(output.url, { side }), alt, ...size, loading: "lazy", decoding: "async" });
}
