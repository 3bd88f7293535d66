// Paint: photos in the manner of pictures. Choose, see a quick preview, then have the full size.

import { fill, h, has, href, icon, late, notify, seconds, sentence, t, tell, told } from "../../base.js";
import { Newest } from "../../core/newest.js";
import { Code } from "../../parts/code.js";
import { downloadLink, offer } from "../../parts/download.js";
import { field } from "../../parts/fields.js";
import { PREVIEW_SIDE } from "./photos.js";
import { jobFor, previewOf } from "./request.js";
import { PaintSettings } from "./settings.js";
import { Stage } from "./stage.js";
import { StylePicker } from "./styles.js";

export class Paint extends HTMLElement {
  #preview = new Newest();
  #job = jobFor("FILE", [{ image: "FILE_OF_A_STYLE" }], { output: { format: "jpeg" } }); // as it was asked for last

  connectedCallback() {
    if (this.firstChild) return;
    this.stage = new Stage();
    this.picker = new StylePicker();
    this.settings = new PaintSettings();
    this.button = h("button", { class: "primary paint-button", type: "button", disabled: true, on: { click: () => this.#paint().catch(tell) } }, icon("brush"), this.label = h("span", {}, t("paint.button-many", { count: 1 })));
    this.download = downloadLink();
    this.further = h("a", { class: "button", hidden: true }, t("paint.further"));
    this.note = h("p", { class: "paint-note", role: "status" });
    this.bar = h("progress", { max: 1, value: 0, "aria-label": t("list.progress"), class: "idle" });
    this.code = new Code(() => this.#job);
    fill(this, h("header", { class: "stack-tight" }, h("h1", { tabindex: "-1" }, t("paint.title")), h("p", { class: "hint" }, t("paint.lead"))), h("div", { class: "paint-columns" }, this.#left(), this.#right()));
    this.#listen();
    this.#ready();
  }

  #left() {
    const actions = h("div", { class: "row paint-actions" }, this.button, this.download, this.further, h("div", { class: "grow" }, this.note, this.bar));
    return h("div", { class: "stack paint-left" }, this.stage, actions, this.code);
  }

  #right() {
    this.styles = h("section", { class: "card stack" }, h("h2", {}, t("paint.styles")), this.picker);
    const recipes = h("button", { class: "small", type: "button", on: { click: () => this.#openRecipes().catch(tell) } }, icon("list"), t("paint.recipes"));
    return h("div", { class: "stack paint-right" },
      h("section", { class: "card stack" }, field(t("paint.kind"), this.settings.kind)), this.styles,
      h("section", { class: "card stack" }, h("h2", {}, t("paint.settings")), this.settings, h("div", { class: "row" }, recipes)));
  }

  #listen() {
    this.stage.addEventListener("photos", () => this.#ready());
    this.stage.addEventListener("files", ({ detail }) => this.#findRecipe(detail).catch(tell));
    for (const [part, type] of [[this.stage, "chosen"], [this.picker, "change"], [this.settings, "change"]])
      part.addEventListener(type, () => this.#look().catch(tell));
  }

  /** `rest` may name a result to paint again, ["again", id], or to take as a photo, ["photo", id]. */
  show([what, id]) {
    if (what === "again") this.#again(id).catch(tell);
    if (what === "photo") this.#take(id).catch(tell);
  }

  hide() {
    this.#preview.stop();
  }

  /** Fill the panel with the whole recipe of a result. */
  async #again(id) {
    history.replaceState(null, "", "#/paint"); // a refresh must not undo what is changed from here on
    const { recipeOf } = await import("./again.js");
    const recipe = await recipeOf(id);
    await this.#fill(recipe);
    this.stage.clear();
    this.stage.take(recipe.photos);
  }

  async #fill(recipe) {
    const { fillIn } = await import("./again.js");
    await fillIn(this.settings, recipe);
    await this.picker.take(recipe.styles, recipe.input.model);
    notify(t("paint.again"));
  }

  /** Take the pictures of a job as photos. */
  async #take(id) {
    history.replaceState(null, "", "#/paint");
    const { made } = await import("./again.js");
    this.stage.take(await made(id));
  }

  /** Fill the panel with settings of a job, as recipes have them. */
  async #use(settings) {
    const { filled } = await import("./again.js");
    await this.#fill(await filled(settings));
  }

  /** Offer the recipe of a picture that was brought: for another photo. */
  async #findRecipe(files) {
    const { carried } = await import("./carried.js");
    const found = await carried(files);
    if (!found) return;
    const use = () => {
      this.stage.clear(this.stage.photos.filter(({ file }) => file === found.file));
      this.#use(found.settings).catch(tell);
      this.querySelector("h1").focus(); // the button is gone
    };
    const { offerRecipe } = await late(import("./recipes.js"));
    offerRecipe(this.stage, use);
  }

  async #openRecipes() {
    const { openRecipes } = await late(import("./recipes.js"));
    await openRecipes(() => this.#make("FILE"), (settings) => this.#use(settings).catch(tell));
  }

  /** Say what is missing, or what the button will do. */
  #ready() {
    const count = this.stage.photos.length;
    const transform = this.styles.hidden = Boolean(this.settings.kind.value);
    const missing = !count ? "paint.needs-photo" : !transform && !this.picker.count ? "paint.needs-style" : "";
    this.isReady = !missing;
    this.button.disabled = !this.isReady;
    fill(this.label, t(transform ? "paint.start-many" : "paint.button-many", { count: Math.max(1, count) }));
    if (missing) this.#say(t(missing));
    return !missing;
  }

  /** Return a job of the present choices for a photo's file. */
  async #make(content) {
    const [styles, values] = await Promise.all([this.picker.styles(), this.settings.values()]);
    this.#job = jobFor(content, styles, { ...values, model: this.picker.model ?? values.model });
    this.code.refresh();
    return this.#job;
  }

  /** Show the present choices on the photo that is looked at, small and soon. */
  async #look() {
    this.download.hidden = this.further.hidden = true;
    if (!this.#ready()) return this.stage.compare.clear();
    if (this.settings.isSlow) return this.#say(t("paint.no-preview"));
    const began = performance.now();
    this.#say(t("paint.previewing"), null);
    const photo = this.stage.chosen;
    const make = async (signal) => previewOf(await this.#make(await photo.smallId({ signal })), PREVIEW_SIDE);
    const job = await this.#preview.run(make, (record) => this.#tellWaiting(record));
    if (job && this.stage.chosen === photo) await this.#present(job, t("paint.previewed", { side: PREVIEW_SIDE, time: seconds((performance.now() - began) / 1000) }));
  }

  async #paint() {
    this.#preview.stop();
    this.button.disabled = true;
    try {
      await (this.stage.photos.length > 1 ? this.#paintMany() : this.#paintOne());
    } catch (error) {
      this.#say(t("paint.stopped"));
      throw error;
    } finally {
      this.button.disabled = !this.isReady;
    }
  }

  async #paintOne() {
    this.#say(t("paint.uploading", { done: 0, count: 1 }), null);
    const began = performance.now();
    const { paintOne } = await import("./run.js");
    const job = await paintOne(this.stage.photos[0], (id) => this.#make(id), (record) => this.#tellProgress(record));
    if (!(await this.#present(job, t("paint.painted", { time: seconds((performance.now() - began) / 1000) })))) return;
    const name = this.stage.photos[0]?.name.replace(/\.[^.]*$/, "") ?? "photo";
    offer(this.download, job.outputs[0].url, `${name}-${job.type === "transform" ? job.input.model : "painted"}.${job.input.output.format}`);
    this.further.href = `#/gallery/job/${job.id}`;
    this.further.hidden = false;
  }

  #tellProgress({ status, progress, queue }) {
    if (status === "running") this.#say(t("paint.running"), progress?.fraction ?? 0);
    else if (status === "queued") this.#say(queue?.position ? t("paint.queued-at", { position: queue.position }) : t("paint.queued"), null);
    this.#tellWaiting({ status, queue });
  }

  /** Say why a job waits, where that is no matter of a moment. */
  #tellWaiting({ status, queue }) {
    if (status === "queued" && queue && has(`paint.reason.${queue.reason}`)) this.#say(t(`paint.reason.${queue.reason}`), null);
  }

  async #paintMany() {
    const photos = [...this.stage.photos];
    const count = photos.length;
    this.#say(t("paint.uploading", { done: 0, count }), 0);
    const { followBatch, paintMany } = await late(import("./run.js"));
    const batch = await paintMany(photos, (id) => this.#make(id), {
      name: t("paint.batch-name", { count }),
      uploaded: (done) => this.#say(t("paint.uploading", { done, count }), done / count),
      refused: (photo, error) => notify(t("paint.refused", { name: photo.name, reason: sentence(error) }), "fault"),
    });
    if (!batch) return this.#say(t("paint.none-left"));
    this.#tellBatch(batch);
    const off = followBatch(batch.id, (record) => (this.#tellBatch(record), record.done && off()));
  }

  #tellBatch({ id, counts, done, urls }) {
    const ended = counts.total - counts.queued - counts.running;
    this.#say(t(done ? "paint.batch-done" : "paint.batch-running", { done: counts.succeeded, count: counts.total, failed: counts.failed + counts.expired }), ended / counts.total, id);
    if (done && urls) offer(this.download, urls.archive);
  }

  /** Show a job's picture, or why there is none. Returns whether there is one. */
  async #present(job, text) {
    if (job.status !== "succeeded") {
      if (job.status === "failed") notify(told(job.error), "fault");
      this.#say(t(`paint.ended.${job.status}`));
      return false;
    }
    await this.stage.compare.result(href(job.outputs[0].url));
    this.#say(text);
    return true;
  }

  /** Tell how it goes; `fraction` is null where nobody knows, and the bar is idle without one. */
  #say(text, fraction, batch) {
    fill(this.note, text);
    this.bar.classList.toggle("idle", fraction === undefined);
    if (fraction === null) this.bar.removeAttribute("value");
    else this.bar.value = fraction ?? 0;
    if (batch) this.note.dataset.batch = batch;
    else delete this.note.dataset.batch;
  }
}

customElements.define("atelier-paint", Paint);
