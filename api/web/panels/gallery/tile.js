// One result among many: a small picture, what it is, when it was made.

import { fill, h, icon, t, when } from "../../base.js";
import { smallPicture, stylesText, title } from "../../parts/job-words.js";

const SIDE = 256; // pixels

export class Tile {
  constructor() {
    this.picture = h("div", { class: "tile-picture" });
    this.name = h("span", { class: "tile-name" });
    this.time = h("span", { class: "hint num" });
    this.marks = h("span", { class: "tile-marks" });
    this.link = h("a", { class: "tile" }, this.picture, this.name, this.time, this.marks);
    this.element = h("li", {}, this.link);
  }

  show(job) {
    const output = job.outputs?.[0];
    this.element.dataset.id = job.id;
    this.link.href = `#/gallery/job/${job.id}`;
    fill(this.name, job.custom_id ?? (job.type === "stylize" ? stylesText(job) : title(job)));
    fill(this.time, when(job.completed_at ?? job.created_at));
    fill(this.marks,
      job.status !== "succeeded" && h("span", { class: `tag ${job.status}` }, t(`status.${job.status}`)),
      job.outputs?.length > 1 && h("span", { class: "tag" }, t("gallery.count", { count: job.outputs.length })),
      job.pinned_at && h("span", { class: "tag", title: t("gallery.pinned") }, icon("pin"), h("span", { class: "sr" }, t("gallery.pinned"))));
    if (output?.sha256 === this.shown && this.picture.firstChild) return;
    this.shown = output?.sha256;
    fill(this.picture, output ? smallPicture(output, SIDE, "") : icon(job.status === "succeeded" ? "image" : "warning"));
  }
}
