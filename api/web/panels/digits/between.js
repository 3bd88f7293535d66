// From one digit to another: the pictures between two seeds.

import { href, t } from "../../base.js";
import { RangeField } from "../../parts/range.js";
import { digitField, seedField } from "./fields.js";
import { glance, kept, randomSeed, sheet } from "./request.js";
import { action, View } from "./view.js";

const FRAMES = 33;
const FILM_FRAMES = 48;
const UPSCALE = { factor: 10, filter: "lanczos" };

export class DigitsBetween extends View {
  #frames = [];

  fields() {
    const changed = () => this.changed();
    this.from = seedField(t("digits.from"), randomSeed(), changed);
    this.to = seedField(t("digits.to"), randomSeed(), changed);
    this.digit = digitField(3, changed);
    this.at = new RangeField({ label: t("digits.between"), min: 0, max: FRAMES - 1, step: 1, value: 0, show: (value) => `${value + 1} / ${FRAMES}` });
    this.at.addEventListener("input", () => this.#look());
    return [this.at, this.from, this.to, this.digit];
  }

  actions() {
    return [
      action("film", "digits.film", () => this.keep(kept({ ...this.#walk(FILM_FRAMES, true), animation: { frame_milliseconds: 60 }, upscale: UPSCALE, format: "webp" }), t("digits.film"))),
      action("grid", "digits.grid", () => this.keep(kept({ ...this.#walk(36), ...sheet(6, 3) }), t("digits.grid"))),
    ];
  }

  async draw() {
    const job = glance({ ...this.#walk(FRAMES), upscale: UPSCALE });
    const ended = await this.follow(job);
    if (!ended) return;
    this.job = kept({ ...this.#walk(FRAMES), upscale: UPSCALE });
    this.code.refresh();
    this.#frames = await Promise.all(ended.outputs.map(({ url }) => loaded(href(url))));
    this.#look();
  }

  /** Return the fields of a walk; one that comes back ends where it began. */
  #walk(steps, back = false) {
    const seeds = [this.from.seed(), this.to.seed(), ...(back ? [this.from.seed()] : [])];
    return { digit: this.digit.digit(), interpolate: { seeds, steps: back ? steps / 2 : steps } };
  }

  #look() {
    const frame = this.#frames[this.at.value];
    if (!frame) return;
    this.picture.src = frame.src;
    this.picture.alt = t("digits.between-alt", { at: this.at.value + 1, count: FRAMES });
  }
}

async function loaded(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

customElements.define("atelier-digits-between", DigitsBetween);
