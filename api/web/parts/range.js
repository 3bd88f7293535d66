// A slider with its label and its value in words. `change` comes when it is let go, `input` while it moves.

import { fill, h, number } from "../base.js";

/** Options: label, min, max, step, value, hint, and `show`, which puts a value into words. */
export class RangeField extends HTMLElement {
  constructor({ label, min, max, step, value, hint = "", show = number }) {
    super();
    const id = `range-${RangeField.count++}`;
    this.show = show;
    this.output = h("output", { for: id, class: "num" });
    this.input = h("input", { id, type: "range", min, max, step, value, "aria-describedby": hint && `${id}-hint`, on: { input: () => this.#tell() } });
    this.className = "field";
    this.parts = [
      h("div", { class: "field-head" }, h("label", { for: id }, label), this.output),
      this.input,
      hint && h("p", { id: `${id}-hint`, class: "hint" }, hint),
    ];
    this.#tell();
  }

  connectedCallback() {
    if (!this.firstChild) fill(this, this.parts.filter(Boolean));
  }

  get value() {
    return Number(this.input.value);
  }

  set value(value) {
    this.input.value = value;
    this.#tell();
  }

  #tell() {
    const text = this.show(this.value);
    this.output.value = text;
    this.input.setAttribute("aria-valuetext", text);
  }
}
RangeField.count = 0;

customElements.define("atelier-range", RangeField);
