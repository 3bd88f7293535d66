// Fields with their labels.

import { h } from "../base.js";

let last = 0;

/** Return a labeled field: `control` is an input, a select or a textarea. */
export function field(label, control, hint = null) {
  control.id ||= `field-${(last += 1)}`;
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, hint && h("p", { class: "hint" }, hint));
}

/** Return a select of [value, text] pairs. */
export const select = (name, options, props = {}) =>
  h("select", { name, ...props }, options.map(([value, text]) => h("option", { value }, text)));
