// How to paint: the fields of a job besides its photo and its styles.

import { api, fill, h, number, t, tell, upload } from "../../base.js";
import { picker } from "../../parts/picking.js";
import { RangeField } from "../../parts/range.js";

const STROKES = [128, 192, 256, 384, 512, 768, 1024, 2048, "native"];
const AS_THE_MODEL = STROKES.indexOf(1024);
const FORMATS = ["jpeg", "png", "webp"];
const FACTORS = [2, 3, 4]; // by the models enlarge-x2, enlarge-x3 and enlarge-x4

/** Tells `change` as fields do. */
export class PaintSettings extends HTMLElement {
  #mask = null;
  #rest = {}; // of a recipe, what no field shows

  connectedCallback() {
    if (this.firstChild) return;
    const percent = (value) => number(value, { style: "percent" });
    this.strength = new RangeField({ label: t("paint.strength"), min: 0, max: 1, step: 0.05, value: 1, show: percent });
    this.stroke = new RangeField({ label: t("paint.stroke"), hint: t("paint.stroke-hint"), min: 0, max: STROKES.length - 1, step: 1, value: AS_THE_MODEL, show: strokeInWords });
    this.color = h("input", { type: "checkbox" });
    this.model = h("select", { id: "paint-model" }, h("option", { value: "" }, t("paint.model-default")));
    this.size = h("select", { id: "paint-size" }, sizes());
    this.format = h("select", { id: "paint-format" }, FORMATS.map((each) => h("option", { value: each }, each.toUpperCase())));
    this.enlarge = h("select", { id: "paint-enlarge" }, h("option", { value: "" }, t("paint.enlarge-no")));
    this.enlarged = labeled("paint.enlarge", this.enlarge);
    this.enlarged.hidden = true; // until it is known that a worker can
    fill(this, this.strength, this.stroke, h("label", { class: "check" }, this.color, t("paint.preserve-color")), this.#maskField(),
      h("details", {}, h("summary", {}, t("paint.more")), h("div", { class: "stack" }, labeled("paint.size", this.size), this.enlarged, labeled("paint.format", this.format), labeled("paint.model", this.model))));
    this.models = this.#loadModels().catch(tell);
    this.model.addEventListener("change", () => (this.#rest = {}));
    this.stroke.addEventListener("change", () => delete this.#rest.stroke);
  }

  /** Whether the chosen network paints step by step, which takes too long for a quick preview. */
  get isSlow() {
    return this.model.selectedOptions[0]?.dataset.slow === "yes";
  }

  /** Return the values; a mask is uploaded first. */
  async values() {
    const stroke = STROKES[this.stroke.value];
    return {
      model: this.model.value || undefined,
      strength: this.strength.value,
      stroke: this.stroke.value === AS_THE_MODEL ? undefined : stroke,
      preserveColor: this.color.checked,
      mask: this.#mask ? await this.#mask.id : undefined,
      maxSide: Number(this.size.value) || undefined,
      enlarge: Number(this.enlarge.value) || undefined,
      format: this.format.value,
      rest: this.#rest,
    };
  }

  /** Fill in the recipe of a result; `rest` is what no field shows, and holds for its model. */
  async take(input, mask, rest) {
    await this.models;
    const has = (select, value) => [...select.options].some((option) => option.value === value);
    this.model.value = has(this.model, input.model) ? input.model : "";
    this.#rest = rest;
    this.strength.value = input.strength ?? 1;
    this.stroke.value = STROKES.includes(input.stroke) ? STROKES.indexOf(input.stroke) : AS_THE_MODEL;
    if (!STROKES.includes(input.stroke)) this.#rest = { ...rest, stroke: input.stroke };
    this.color.checked = input.preserve_color;
    const side = String(input.size?.max_side ?? "");
    if (!has(this.size, side)) this.size.append(h("option", { value: side }, t("paint.size-value", { side: Number(side) })));
    this.size.value = side;
    const factor = String(input.output.enlarge ?? "");
    this.enlarge.value = has(this.enlarge, factor) ? factor : "";
    this.format.value = has(this.format, input.output.format) ? input.output.format : "jpeg";
    this.#setMask(mask ?? null);
  }

  async #loadModels() {
    const { data } = await api.get("v1/models");
    const fit = data.filter((model) => model.type === "stylize" && model.available && !model.default && !model.name.startsWith("multistyle"));
    const there = new Set(data.filter((model) => model.available).map((model) => model.name));
    const factors = FACTORS.filter((factor) => there.has(`enlarge-x${factor}`));
    this.enlarge.append(...factors.map((factor) => h("option", { value: factor }, t("paint.enlarge-value", { factor }))));
    this.enlarged.hidden = !factors.length;
    this.model.append(...fit.map((model) => h("option", { value: model.name, data: { slow: model.name.startsWith("nst") ? "yes" : "no" } }, model.title)));
  }

  #maskField() {
    const pick = picker(([file]) => file && this.#setMask(file), { many: false, label: t("paint.mask") });
    this.maskButton = h("button", { class: "small", type: "button", on: { click: () => (this.#mask ? this.#setMask(null) : pick.click()) } }, t("paint.mask-add"));
    return h("div", { class: "field" }, h("div", { class: "row" }, this.maskButton, pick), h("p", { class: "hint" }, t("paint.mask-hint")));
  }

  #setMask(file) {
    this.#mask = file && { id: upload(file).then(({ id }) => id) };
    this.#mask?.id.catch((error) => (tell(error), this.#setMask(null)));
    fill(this.maskButton, file ? t("paint.mask-remove", { name: file.name }) : t("paint.mask-add"));
    this.dispatchEvent(new Event("change"));
  }
}

function labeled(key, field) {
  return h("div", { class: "field" }, h("label", { for: field.id }, t(key)), field);
}

function strokeInWords(at) {
  if (STROKES[at] === "native") return t("paint.stroke-native");
  return at === AS_THE_MODEL ? t("paint.stroke-usual") : t("paint.stroke-value", { side: STROKES[at] });
}

function sizes() {
  const option = (value) => h("option", { value }, t("paint.size-value", { side: value }));
  return [h("option", { value: "" }, t("paint.size-own")), [512, 1024, 2048, 4096].map(option)];
}

customElements.define("atelier-paint-settings", PaintSettings);
