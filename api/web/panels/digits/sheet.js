// Digits from seeds: one or many, any or one of them, or a number written out.

import { h } from "../../core/dom.js";
import { number, t } from "../../core/i18n.js";
import { RangeField } from "../../parts/range.js";
import { digitField, seedField } from "./fields.js";
import { kept, randomSeed, sheet } from "./request.js";
import { View } from "./view.js";

export class DigitSheet extends View {
  fields() {
    const changed = () => this.changed();
    this.seed = seedField(t("digits.seed"), randomSeed(), changed);
    this.digit = digitField(null, changed);
    this.count = new RangeField({ label: t("digits.count"), min: 1, max: 64, step: 1, value: 25 });
    this.variety = new RangeField({ label: t("digits.variety"), hint: t("digits.variety-hint"), min: 0.1, max: 1, step: 0.05, value: 1, show: (value) => number(value, { style: "percent" }) });
    this.text = h("input", { id: "digits-text", inputmode: "numeric", pattern: "[0-9]{0,32}", maxlength: 32, placeholder: "20261129", on: { change: changed } });
    for (const field of [this.count, this.variety]) field.addEventListener("change", changed);
    return [this.seed, this.digit, this.count, this.variety, h("div", { class: "field" }, h("label", { for: "digits-text" }, t("digits.text")), this.text)];
  }

  async draw() {
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
}

customElements.define("atelier-digits-sheet", DigitSheet);
