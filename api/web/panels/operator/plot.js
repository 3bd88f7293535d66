// A small plot of a number over the last minutes, drawn as it comes.

import { fill, h, number, t } from "../../base.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [240, 48];
const [FEWEST, MOST] = [20, 100]; // values that are shown: of one minute, of five in the end

export class Plot {
  #values = [];

  constructor(label) {
    this.label = label;
    this.now = h("output", { class: "plot-now num" }, "–");
    this.svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "plot", role: "img" });
    this.area = shape("path", { class: "plot-area" });
    this.line = shape("path", { class: "plot-line", "vector-effect": "non-scaling-stroke" });
    this.svg.append(this.area, this.line);
    this.element = h("figure", { class: "card figure" }, h("figcaption", { class: "hint" }, label), this.now, this.svg);
  }

  /** Add a value; `text` is how it is told, where that is not the number alone. */
  add(value, text = number(value, { maximumFractionDigits: 1 })) {
    this.#values = [...(this.#values.length ? this.#values : [value]), value].slice(-MOST);
    fill(this.now, text);
    const most = Math.max(1, ...this.#values);
    const span = Math.max(FEWEST, this.#values.length);
    const step = WIDTH / (span - 1);
    const first = span - this.#values.length;
    const points = this.#values.map((each, at) => `${((first + at) * step).toFixed(1)} ${(HEIGHT - 2 - (each / most) * (HEIGHT - 4)).toFixed(1)}`);
    this.line.setAttribute("d", `M${points.join("L")}`);
    this.area.setAttribute("d", `M${(first * step).toFixed(1)} ${HEIGHT}L${points.join("L")}L${WIDTH} ${HEIGHT}Z`);
    this.svg.setAttribute("aria-label", t("operator.plot", { name: this.label, now: text, most: number(most, { maximumFractionDigits: 1 }) }));
  }
}

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
