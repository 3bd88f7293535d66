// Where the photos are: a place to drop them, the one that is looked at, and a strip of all.

import { bytes, fill, h, icon, notify, t } from "../../base.js";
import { Compare } from "../../parts/compare.js";
import { isPicture, picker, takeDrops } from "../../parts/picking.js";
import { Photo } from "./photos.js";

const MOST_SHOWN = 60; // in the strip

/** Tells `files` with those that were brought, `photos` when there are others, and `chosen` when another one is looked at. */
export class Stage extends HTMLElement {
  photos = [];
  chosen = null;
  #stop = new AbortController();

  connectedCallback() {
    if (this.firstChild) return;
    const files = picker((found) => this.add(found), { label: t("paint.pick") });
    const folder = picker((found) => this.add(found), { label: t("paint.pick-folder"), folder: true });
    const pick = (input, key, sign) => h("button", { type: "button", on: { click: () => input.click() } }, icon(sign), t(key));
    this.compare = new Compare();
    this.compare.hidden = true;
    this.empty = h("div", { class: "stage-empty" }, icon("image"), h("p", { class: "stage-lead" }, t("paint.drop")),
      h("div", { class: "row" }, pick(files, "paint.pick", "image"), pick(folder, "paint.pick-folder", "folder")), h("p", { class: "hint" }, t("paint.paste")));
    this.strip = h("div", { class: "strip", role: "group", "aria-label": t("paint.photos") });
    this.offer = h("button", { class: "small", type: "button", hidden: true, on: { click: () => this.offered() } });
    this.bar = h("div", { class: "row stage-bar" }, h("span", { class: "hint grow" }), this.offer,
      h("button", { class: "small", type: "button", on: { click: () => files.click() } }, icon("plus"), t("paint.add")),
      h("button", { class: "small quiet", type: "button", on: { click: () => this.clear() } }, icon("trash"), t("paint.clear")));
    this.bar.classList.add("idle");
    fill(this, h("div", { class: "stage-box" }, this.empty, this.compare), this.bar, this.strip, files, folder);
    takeDrops(this, () => this.isConnected && !this.closest("[hidden]"), (found) => this.add(found), this.#stop.signal);
  }

  disconnectedCallback() {
    this.#stop.abort();
  }

  /** Add the pictures among files. */
  add(files) {
    const pictures = files.filter(isPicture);
    if (pictures.length < files.length) notify(t("paint.no-pictures", { count: files.length - pictures.length }));
    if (!pictures.length) return;
    this.take(pictures.map((file) => new Photo(file)));
    this.dispatchEvent(new CustomEvent("files", { detail: pictures }));
  }

  /** Add photos. */
  take(photos) {
    this.photos.push(...photos);
    this.#draw();
    this.dispatchEvent(new Event("photos"));
    if (!this.chosen) this.look(this.photos[0]);
  }

  /** Take photos away, all of them without a list. */
  clear(gone = this.photos) {
    for (const photo of gone) photo.forget();
    this.photos = this.photos.filter((photo) => !gone.includes(photo));
    this.offer.hidden = true;
    this.chosen = null;
    this.compare.clear();
    this.#draw();
    this.dispatchEvent(new Event("photos"));
    if (this.photos.length) this.look(this.photos[0]);
  }

  /** Look at a photo. */
  async look(photo) {
    this.chosen = photo;
    for (const button of this.strip.children) button.setAttribute("aria-pressed", `${button.photo === photo}`);
    this.dispatchEvent(new Event("chosen"));
    const shape = await photo.small();
    if (this.chosen === photo) this.compare.original(photo.url, shape);
  }

  #draw() {
    const count = this.photos.length;
    this.empty.hidden = count > 0;
    this.compare.hidden = count === 0;
    this.bar.classList.toggle("idle", count === 0); // it keeps its room
    const size = this.photos.reduce((sum, photo) => sum + photo.file.size, 0);
    fill(this.bar.firstChild, t("paint.count", { count, size: bytes(size) }));
    fill(this.strip, count > 1 ? this.photos.slice(0, MOST_SHOWN).map((photo) => this.#thumbnail(photo)) : []);
    if (count > MOST_SHOWN) this.strip.append(h("span", { class: "tag" }, t("paint.more-photos", { count: count - MOST_SHOWN })));
  }

  #thumbnail(photo) {
    const face = h("img", { src: photo.url, alt: "", loading: "lazy", decoding: "async" });
    const button = h("button", { type: "button", class: "thumb", "aria-label": photo.name, "aria-pressed": `${photo === this.chosen}`, on: { click: () => this.look(photo) } }, face);
    button.photo = photo;
    return button;
  }
}

customElements.define("atelier-stage", Stage);
