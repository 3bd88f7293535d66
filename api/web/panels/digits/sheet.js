// Digits from seeds: one or many, any or one of them, or a number written out.

import { api } from "../../core/api.js";
import { h } from "../../core/dom.js";
import { number, t } from "../../core/i18n.js";
import { notify } from "../../parts/notices.js";
import { RangeField } from "../../parts/range.js";
import { digitField, seedField } from "./fields.js";
import { kept, randomSeed, sheet } from "./request.js";
import { View } from "./view.js";

export class DigitSheet extends View {
  #recipe = null; // of a result that is drawn again, until a field is changed

  fields() {
    const changed = () => ((this.#recipe = null), this.changed());
    this.seed = seedField(t("digits.seed"), randomSeed(), changed);
    this.digit = digitField(null, changed);
    this.count = new RangeField({ label: t("digits.count"), min: 1, max: 64, step: 1, value: 25 });
    this.variety = new RangeField({ label: t("digits.variety"), hint: t("digits.variety-hint"), min: 0.1, max: 1, step: 0.05, value: 1, show: (value) => number(value, { style: "percent" }) });
    this.text = h("input", { id: "digits-text", inputmode: "numeric", pattern: "[0-9]{0,32}", maxlength: 32, placeholder: "20261129", on: { change: changed } });
    for (const field of [this.count, this.variety]) field.addEventListener("change", changed);
    return [this.seed, this.digit, this.count, this.variety, h("div", { class: "field" }, h("label", { for: "digits-text" }, t("digits.text")), this.text)];
  }

  /** Draw a result again by its whole recipe, and fill in what the fields can show of it. */
  async again(id) {
    history.replaceState(null, "", "#/digits/sheet");
    const { input } = await api.get(`v1/jobs/${id}`);
    const [seed] = input.seeds ?? input.interpolate?.seeds ?? [0];
    this.seed.querySelector("input").value = seed;
    this.count.value = input.seeds?.length ?? 1;
    this.variety.value = input.truncation ?? 1;
    this.text.value = input.digits ?? "";
    this.digit.querySelector(`input[value="${input.digit ?? ""}"]`).checked = true;
    const { webhook: _, ttl_seconds: __, recipe: ___, ...recipe } = input;
    this.#recipe = Object.fromEntries(Object.entries({ ...recipe, ...kept({}), output: input.output }).filter(([, value]) => value !== null));
    this.changed();
    notify(t("digits.again"));
  }

  async draw() {
    if (this.#recipe) return this.#drawRecipe(this.#recipe);
    const digits = this.text.value.replace(/\D/g, "");
    const count = digits ? Math.min(this.count.value, 8) : this.count.value;
    const columns = digits ? 1 : Math.ceil(Math.sqrt(count));
    const what = digits ? { digits } : { digit: this.digit.digit() };
    const job = kept({ ...what, seed: this.seed.seed(), count, truncation: this.variety.value, ...sheet(columns, 4) });
    const ended = await this.follow(job);
    if (!ended) return;
    const { url } = ended.outputs[0];
    await this.put(url, t("digits.sheet-alt", { count, seed: `${this.seed.seed()}` }));
    this.offer(job, url, "digits");
  }

  async #drawRecipe(job) {
    const ended = await this.follow(job);
    if (!ended) return;
    const { url } = ended.outputs[0];
    await this.put(url, t("digits.again-alt", { count: ended.outputs.length }));
    this.offer(job, url, "digits");
  }
}

customElements.define("atelier-digits-sheet", DigitSheet);
