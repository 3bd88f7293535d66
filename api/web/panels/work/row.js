// One job in a list: what it makes, how it stands, and what can be done with it.

import { fill, h, href, icon, late, session, t, tell, when } from "../../base.js";
import { faultText, progressText, smallPicture, title, waitingText } from "../../parts/job-words.js";

const SIDE = 96; // pixels of a picture in a list, shown half as large
const OTHER = { interactive: "bulk", bulk: "interactive" };

export class JobRow {
  #status = ""; // for which the buttons were made
  #preview = "";

  constructor() {
    this.picture = h("div", { class: "job-picture" });
    this.name = h("span", { class: "job-name" });
    this.state = h("span", { class: "tag" });
    this.line = h("p", { class: "hint job-line num" });
    this.bar = h("progress", { max: "1" });
    this.acts = h("div", { class: "job-acts" });
    this.element = h("li", { class: "job" }, this.picture,
      h("div", { class: "job-text" }, h("p", { class: "row job-head" }, this.name, this.state), this.line, this.bar), this.acts);
  }

  /** Show a job as it is now. */
  show(job) {
    const text = title(job);
    this.title = job.custom_id ? `${job.custom_id}: ${text}` : text;
    fill(this.name, this.title);
    fill(this.line, line(job));
    this.element.dataset.id = job.id;
    this.bar.hidden = job.status !== "running";
    this.bar.value = job.progress?.fraction ?? 0;
    this.bar.setAttribute("aria-label", this.title);
    this.#showPicture(job);
    const status = `${job.status} ${job.retried_as ?? ""} ${job.queue?.lane ?? ""}`;
    if (status !== this.#status) this.#showStatus(job);
    this.#status = status;
  }

  #showStatus(job) {
    this.element.dataset.status = job.status;
    fill(this.state, t(`status.${job.status}`));
    fill(this.acts, actsOf(job).map((name) => this.#button(name, job)));
  }

  #button(name, job) {
    const label = t(`work.${name}`, { lane: t(`lane.${OTHER[job.queue?.lane ?? "bulk"]}`) });
    const run = async (event) => {
      const button = event.currentTarget;
      button.disabled = true;
      await acted(name, job, { lane: OTHER[job.queue?.lane] });
      button.disabled = false;
    };
    const isShort = name === "front" || name === "back" || name === "lane";
    return h("button", { class: "small quiet", "aria-label": `${label}: ${this.title}`, title: label, data: { act: name }, on: { click: run } },
      icon(ICONS[name]), isShort ? null : h("span", {}, label));
  }

  #showPicture(job) {
    const preview = job.status === "running" ? job.progress?.preview_url || this.#preview : "";
    const output = job.outputs?.[0];
    const shown = preview || output?.url || "";
    if (shown === this.shown) return;
    this.shown = shown;
    this.#preview = preview;
    if (preview) return this.#showPreview(preview, job);
    fill(this.picture, output ? h("a", { href: `#/gallery/job/${job.id}`, "aria-label": t("work.see", { title: this.title }) }, smallPicture(output, SIDE, ""))
      : icon(job.type === "generate" ? "grid" : "brush"));
  }

  #showPreview(address, job) {
    const picture = h("img", { src: href(address), alt: t("work.preview-of", { title: title(job) }), class: "job-preview" });
    // The one before stays until the next is there. By then the job may be done, and its preview gone.
    picture.decode().then(() => this.shown === address && fill(this.picture, picture)).catch(() => {});
  }
}

/** Do something with a job or a batch, by what is loaded then; what goes wrong is told. */
export const acted = (...what) => late(import("./acts.js")).then(({ act }) => act(...what)).catch(tell);

const ICONS = { cancel: "close", retry: "redo", front: "first", back: "last", lane: "swap" };

function actsOf(job) {
  if (!session.may("submit")) return [];
  if (job.status === "running") return ["cancel"];
  if (job.status === "queued") return job.batch_id ? ["cancel"] : ["front", "back", "lane", "cancel"];
  return job.status === "succeeded" || job.retried_as ? [] : ["retry"];
}

function line(job) {
  if (job.status === "queued") return waitingText(job.queue);
  if (job.status === "running") return progressText(job.progress);
  if (job.error) return faultText(job.error);
  return job.completed_at ? when(job.completed_at) : "";
}
