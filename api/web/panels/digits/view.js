// What the views of the panel have in common: a picture, its fields, a note, a download, the code.

import { done, fill, h, href, icon, submit, t, tell, told } from "../../base.js";
import { Newest } from "../../core/newest.js";
import { Code } from "../../parts/code.js";
import { downloadLink, offer } from "../../parts/download.js";
import { kept } from "./request.js";

/** A view fills `fields()`, and says in `draw()` what it shows. */
export class View extends HTMLElement {
  newest = new Newest();
  job = kept({ seed: 7, digit: 3 });
  #drawn = false;

  connectedCallback() {
    if (this.firstChild) return;
    this.picture = h("img", { class: "digits-picture", alt: "", width: 560, height: 560 });
    this.note = h("p", { class: "hint", role: "status" });
    this.download = downloadLink();
    this.code = new Code(() => this.job);
    fill(this, h("div", { class: "digits-columns" },
      h("div", { class: "stack" }, this.stage(), h("div", { class: "row digits-actions" }, this.actions(), this.download, this.note), this.code),
      h("div", { class: "card stack" }, this.fields())));
  }

  stage() {
    return h("div", { class: "digits-stage" }, this.picture);
  }

  actions() {
    return [];
  }

  /** Draw when the view is seen first. */
  show() {
    if (this.#drawn) return;
    this.#drawn = true;
    this.changed();
  }

  hide() {
    this.newest.stop();
  }

  changed() {
    this.draw().catch(tell);
  }

  /** Run a job that follows the fields; returns it once it succeeded, null where a newer one came. */
  async follow(job) {
    const ended = await this.newest.run(async () => job);
    return ended && checked(ended);
  }

  /** Make what a button asks for, show it and offer it. */
  async keep(job, name) {
    this.newest.stop();
    this.say(t("digits.making"));
    const ended = checked(await done((await submit(job)).id));
    this.offer(job, ended.outputs[0].url, name);
    await this.put(ended.outputs[0].url, name);
    this.say(t("digits.made"));
  }

  /** Show a picture once it can be drawn. */
  async put(url, text) {
    const address = href(url);
    const loaded = new Image();
    loaded.src = address;
    await loaded.decode();
    this.picture.src = address;
    this.picture.alt = text;
  }

  offer(job, url, name) {
    this.job = job;
    this.code.refresh();
    offer(this.download, url, `${name}.${job.output.format}`);
  }

  say(text) {
    fill(this.note, text);
  }
}

/** Return a job that succeeded; raise an Error with the reason of one that did not. */
export function checked(job) {
  if (job.status === "succeeded") return job;
  throw new Error(job.error ? told(job.error) : t(`digits.ended.${job.status}`));
}

/** Return a button of a view. */
export const action = (sign, key, run) => h("button", { type: "button", on: { click: () => run().catch(tell) } }, icon(sign), t(key));
