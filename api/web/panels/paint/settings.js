// How to paint: the fields of a job besides its photo and its styles.

import { api, fill, h, late, number, t, tell, upload } from "../../base.js";
import { field, select } from "../../parts/fields.js";
import { picker } from "../../parts/picking.js";
import { RangeField } from "../../parts/range.js";

export const STROKES = [128, 192, 256, 384, 512, 768, 1024, 2048, "native"];
export const AS_THE_MODEL = STROKES.indexOf(1024);
const FORMATS = ["jpeg", "png", "webp"];
const FACTORS = [2, 3, 4]; // by the models enlarge-x2, enlarge-x3 and enlarge-x4
const TAKEN_OVER = { profile: ["srgb", "keep"], metadata: ["none", "safe", "all"] }; // from the photo; the first is usual

/** Tells `change` as fields do. */
export class PaintSettings extends HTMLElement {
  kind = select("", [["", t("paint.kind-style")]], { on: { change: () => (this.showKind(), this.#tell()) } }); // stands where the panel puts it
  #mask = null;
  rest = {}; // of a recipe, what no field shows
  ways = []; // fields that some services have, once the rest is looked at

  connectedCallback() {
    if (this.firstChild) return;
    const percent = (value) => number(value, { style: "percent" });
    this.strength = new RangeField({ label: t("paint.strength"), min: 0, max: 1, step: 0.05, value: 1, show: percent });
    this.stroke = new RangeField({ label: t("paint.stroke"), hint: t("paint.stroke-hint"), min: 0, max: STROKES.length - 1, step: 1, value: AS_THE_MODEL, show: strokeInWords });
    this.color = h("input", { type: "checkbox" });
    this.model = select("", [["", t("paint.model-default")]]);
    this.size = select("", sizes());
    this.format = select("", FORMATS.map((each) => [each, each.toUpperCase()]));
    this.enlarge = select("", [["", t("paint.enlarge-no")]]);
    this.takenOver = Object.entries(TAKEN_OVER).map(([name, values]) => select(name, values.map((value, at) => [at ? value : "", t(`paint.${name}-${value}`)])));
    this.enlarged = labeled("paint.enlarge", this.enlarge);
    this.enlarged.hidden = true; // until it is known that a worker can
    this.modelField = labeled("paint.model", this.model);
    this.painting = h("div", { class: "stack" }, this.strength, this.stroke, h("label", { class: "check" }, this.color, t("paint.preserve-color")), this.#maskField());
    fill(this, this.painting, h("details", { on: { toggle: () => this.#bringWays().catch(tell) } }, h("summary", {}, t("paint.more")),
      this.more = h("div", { class: "stack" }, labeled("paint.size", this.size), this.enlarged, labeled("paint.format", this.format), this.takenOver.map((each) => labeled(`paint.${each.name}`, each)), this.modelField)));
    this.models = this.#loadModels().catch(tell);
    this.model.addEventListener("change", () => (this.rest = {}));
    this.stroke.addEventListener("change", () => delete this.rest.stroke);
  }

  /** Whether a small preview says little: the chosen network paints step by step, or enlarges. */
  get isSlow() {
    return this.kind.value.startsWith("enlarge") || (!this.kind.value && this.model.value.startsWith("nst"));
  }

  /** Return the values; a mask is uploaded first. */
  async values() {
    const stroke = STROKES[this.stroke.value];
    return {
      transform: this.kind.value,
      model: this.model.value || undefined,
      strength: this.strength.value,
      stroke: this.stroke.value === AS_THE_MODEL ? undefined : stroke,
      preserveColor: this.color.checked,
      mask: this.#mask ? await this.#mask.id : undefined,
      maxSide: Number(this.size.value) || undefined,
      output: {
        format: this.format.value,
        enlarge: (!this.enlarged.hidden && Number(this.enlarge.value)) || undefined,
        ...Object.fromEntries(this.takenOver.map(({ name, value }) => [name, value || undefined])),
      },
      rest: { ...this.rest, ...Object.fromEntries(this.ways.filter(({ value }) => value).map(({ name, value }) => [name, value])) },
    };
  }

  /** Show the fields that what is to be done has. */
  showKind() {
    for (const part of [this.painting, this.modelField, ...this.ways.map((each) => each.parentElement)]) part.hidden = Boolean(this.kind.value);
    this.enlarged.hidden = this.enlarge.length < 2 || this.kind.value.startsWith("enlarge");
  }

  async #bringWays() {
    await this.models;
    if (this.brought || !this.usual) return;
    this.brought = true;
    const { waysOf } = await late(import("./ways.js"));
    for (const [control, shown] of await waysOf(this.usual)) {
      this.ways.push(control);
      this.more.append(shown);
      if (this.rest[control.name]) control.value = this.rest[control.name];
      delete this.rest[control.name];
    }
    this.showKind();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }

  async #loadModels() {
    const { data } = await api.get("v1/models");
    this.usual = data.find((model) => model.type === "stylize" && model.default)?.name;
    const fit = data.filter((model) => model.type === "stylize" && model.available && !model.default && !model.name.startsWith("multistyle"));
    const there = new Set(data.filter((model) => model.available).map((model) => model.name));
    const factors = FACTORS.filter((factor) => there.has(`enlarge-x${factor}`));
    this.enlarge.append(...factors.map((factor) => h("option", { value: factor }, t("paint.enlarge-value", { factor }))));
    this.showKind();
    this.model.append(...fit.map(({ name, title }) => h("option", { value: name }, title)));
    this.kind.append(...data.filter(({ type }) => type === "transform").map(({ name, title, available }) =>
      h("option", { value: name, disabled: !available }, available ? title : t("paint.kind-absent", { title }))));
  }

  #maskField() {
    const pick = picker(([file]) => file && this.setMask(file), { many: false, label: t("paint.mask") });
    this.maskButton = h("button", { class: "small", type: "button", on: { click: () => (this.#mask ? this.setMask(null) : pick.click()) } }, t("paint.mask-add"));
    return h("div", { class: "field" }, h("div", { class: "row" }, this.maskButton, pick), h("p", { class: "hint" }, t("paint.mask-hint")));
  }

  /** Paint where a picture is white; null: everywhere. */
  setMask(file) {
    this.#mask = file && { id: upload(file).then(({ id }) => id) };
    this.#mask?.id.catch((error) => (tell(error), this.setMask(null)));
    fill(this.maskButton, file ? t("paint.mask-remove", { name: file.name }) : t("paint.mask-add"));
    this.#tell();
  }
}

function labeled(key, control) {
  control.id = key.replace(".", "-");
  return field(t(key), control);
}

function strokeInWords(at) {
  if (STROKES[at] === "native") return t("paint.stroke-native");
  return at === AS_THE_MODEL ? t("paint.stroke-usual") : t("paint.stroke-value", { side: STROKES[at] });
}

function sizes() {
  return [["", t("paint.size-own")], ...[512, 1024, 2048, 4096].map((side) => [side, t("paint.size-value", { side })])];
}

customElements.define("atelier-paint-settings", PaintSettings);
