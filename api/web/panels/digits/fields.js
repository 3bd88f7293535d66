// Fields that the views of the panel share: a seed with dice, and the choice of a digit.

import { h, icon, t } from "../../base.js";
import { randomSeed } from "./request.js";

let count = 0;

/** Return a field for a seed, whose `seed()` is its value; `changed` is called when there is another one. */
export function seedField(label, value, changed) {
  const id = `seed-${(count += 1)}`;
  const input = h("input", { id, type: "number", min: 0, max: 2 ** 31, step: 1, value, inputmode: "numeric", on: { change: () => changed() } });
  const roll = () => ((input.value = randomSeed()), changed());
  const dice = h("button", { type: "button", class: "dice", "aria-label": t("digits.roll", { label }), title: t("digits.roll", { label }), on: { click: roll } }, icon("redo"));
  const field = h("div", { class: "field" }, h("label", { for: id }, label), h("div", { class: "seed" }, input, dice));
  field.seed = () => Math.max(0, Math.floor(Number(input.value) || 0));
  return field;
}

/** Return the choice of a digit, whose `digit()` is a number, or null for any where that may be chosen. */
export function digitField(value, changed, { any = true } = {}) {
  const name = `digit-${(count += 1)}`;
  const one = (digit) =>
    h("label", { class: "chip" }, h("input", { type: "radio", name, value: digit ?? "", checked: digit === value, on: { change: () => changed() } }), h("span", {}, digit ?? t("digits.any")));
  const field = h("fieldset", { class: "chips" }, h("legend", {}, t("digits.digit")), any && one(null), Array.from({ length: 10 }, (_, digit) => one(digit)));
  field.digit = () => {
    const chosen = field.querySelector("input:checked").value;
    return chosen === "" ? null : Number(chosen);
  };
  return field;
}
