// The styles to paint in.

import { api, fill, h, href, icon, t, tell, upload } from "../../base.js";
import { isPicture, picker } from "../../parts/picking.js";
import { RangeField } from "../../parts/range.js";
import { DRAWN, drawing } from "./drawn.js";

const MOST = 8; // styles of one job
const SHEET = { columns: 6, width: 240, height: 160, margin: 8, label: 20 }; // as bench/gallery/builtin_styles.py lays it out

/** Tells `change` when other styles are chosen, or their weights are let go. */
export class StylePicker extends HTMLElement {
  #tiles = new Map(); // by key: { key, group, label, face, style, button }
  #chosen = new Map(); // by key, in the order of choice: weight
  #own = 0;

  connectedCallback() {
    if (this.firstChild) return;
    this.grid = h("div", { class: "style-grid", role: "group", "aria-label": t("paint.styles") });
    this.weights = h("div", { class: "stack style-weights" });
    const pick = picker((files) => this.addOwn(files), { label: t("paint.own-style") });
    const add = h("button", { class: "style-tile style-add", type: "button", on: { click: () => pick.click() } }, icon("plus"), h("span", {}, t("paint.own-style")));
    fill(this, this.grid, pick, this.weights);
    this.grid.append(add);
    for (const style of DRAWN) this.#add(drawnTile(style));
    this.loaded = this.load().catch(tell);
  }

  /** Read the stored styles and those of networks. */
  async load() {
    const [page, models] = await Promise.all([api.get("v1/styles", { limit: 50 }), api.get("v1/models")]);
    for (const style of page.data) this.#add(storedTile(style));
    const there = new Set(models.data.filter((model) => model.available).map((model) => model.name));
    for (const { model, styles, sheet_url: sheet } of page.builtin)
      if (there.has(model)) for (const style of styles) this.#add(builtinTile(model, style, sheet, styles.length));
  }

  /** Take pictures of one's own as styles, and choose them. */
  addOwn(files) {
    for (const file of files.filter(isPicture).slice(0, MOST)) {
      const key = `own-${(this.#own += 1)}`;
      this.#add({ key, group: "picture", label: file.name || t("paint.own-style"), face: h("img", { src: URL.createObjectURL(file), alt: "" }), style: once(() => imageOf(file)) }, true);
      this.#toggle(key, true);
    }
  }

  /** Choose the styles of a recipe; a picture comes as `file`, a style of a network by its number. */
  async take(styles, model) {
    await this.loaded;
    this.#chosen.clear();
    for (const style of styles) {
      const stored = style.name && this.#tiles.has(`stored-${style.name}`) && `stored-${style.name}`;
      const key = style.number === null || style.number === undefined ? stored || this.#addRecipe(style) : `${model}-${style.number}`;
      if (this.#tiles.has(key)) this.#toggle(key, true);
      if (this.#chosen.has(key)) this.#chosen.set(key, style.weight ?? 1);
    }
    this.#showWeights();
    this.dispatchEvent(new Event("change"));
  }

  #addRecipe({ image, name, file }) {
    const key = `file-${image ?? name}`;
    this.#add({ key, group: "picture", label: name ?? t("paint.own-style"), face: h("img", { src: URL.createObjectURL(file), alt: "" }), style: async () => (image ? { image } : { name }) }, true);
    return key;
  }

  /** The network that the chosen styles need; undefined where any will do. */
  get model() {
    const [key] = this.#chosen.keys();
    return key && this.#tiles.get(key).model;
  }

  get count() {
    return this.#chosen.size;
  }

  /** Return the chosen styles as a job has them; pictures are uploaded first. */
  styles() {
    const several = this.#chosen.size > 1;
    return Promise.all([...this.#chosen].map(async ([key, weight]) => ({ ...(await this.#tiles.get(key).style()), ...(several && { weight }) })));
  }

  #add(tile, first = false) {
    if (this.#tiles.has(tile.key)) return;
    tile.button = h("button", { class: "style-tile", type: "button", "aria-pressed": "false", title: tile.label, on: { click: () => this.#toggle(tile.key) } }, tile.face, h("span", { class: "style-name" }, tile.label));
    this.#tiles.set(tile.key, tile);
    if (first) this.grid.firstChild.after(tile.button);
    else this.grid.append(tile.button);
  }

  #toggle(key, on = !this.#chosen.has(key)) {
    const { group } = this.#tiles.get(key);
    for (const other of [...this.#chosen.keys()]) if (this.#tiles.get(other).group !== group || this.#chosen.size >= MOST) this.#chosen.delete(other);
    if (on) this.#chosen.set(key, 1);
    else this.#chosen.delete(key);
    for (const tile of this.#tiles.values()) tile.button.setAttribute("aria-pressed", `${this.#chosen.has(tile.key)}`);
    this.#showWeights();
    this.dispatchEvent(new Event("change"));
  }

  #showWeights() {
    fill(this.weights, this.#chosen.size > 1 ? [...this.#chosen.keys()].map((each) => this.#weightField(each)) : []);
  }

  #weightField(key) {
    const label = t("paint.weight", { style: this.#tiles.get(key).label });
    const field = new RangeField({ label, min: 0.1, max: 3, step: 0.1, value: this.#chosen.get(key) });
    field.addEventListener("change", () => this.#chosen.set(key, field.value)); // and it goes on to the panel
    return field;
  }
}

const once = (make) => {
  let made = null;
  return () => (made ??= make().catch((error) => ((made = null), Promise.reject(error))));
};

const imageOf = async (file) => ({ image: (await upload(file)).id });

function drawnTile(style) {
  const canvas = drawing(style);
  canvas.setAttribute("aria-hidden", "true");
  const blob = () => new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  return { key: `drawn-${style.id}`, group: "picture", label: t(`paint.drawn.${style.id}`), face: canvas, style: once(async () => imageOf(await blob())) };
}

function storedTile({ name, urls }) {
  const face = h("img", { src: href(urls.image), alt: "", loading: "lazy" });
  return { key: `stored-${name}`, group: "picture", label: name, face, style: async () => ({ name }) };
}

function builtinTile(model, { number, name }, sheet, count) {
  const face = sheet
    ? h("span", { class: "sheet-cell", style: { "background-image": `url("${href(sheet)}")`, ...cellOf(number + 1, count + 1) } })
    : h("span", { class: "sheet-cell no-sheet" }, icon("brush"));
  const label = sheet ? t("paint.builtin", { number }) : name; // those with a sheet have no names that say more
  return { key: `${model}-${number}`, group: model, model, label, face, style: async () => ({ number }) };
}

/** Return what shows the middle of one cell of the sheet as a square of any size. */
function cellOf(cell, cells) {
  const { columns, width, height, margin, label } = SHEET;
  const sheet = [columns * (width + margin) + margin, Math.ceil(cells / columns) * (height + label + margin) + margin];
  const corner = [margin + (cell % columns) * (width + margin) + (width - height) / 2, margin + Math.floor(cell / columns) * (height + label + margin)];
  const percent = (values) => values.map((value) => `${value * 100}%`).join(" ");
  return {
    "background-size": percent(sheet.map((side) => side / height)),
    "background-position": percent(corner.map((at, axis) => at / (sheet[axis] - height))),
  };
}

customElements.define("atelier-styles", StylePicker);
