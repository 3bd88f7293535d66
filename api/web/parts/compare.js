// Two pictures over each other, and a slider that uncovers one of them.

import { fill, h, t } from "../base.js";

/** Keeps its room from the start; `before` and `after` are addresses of pictures of one shape. */
export class Compare extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    this.before = h("img", { class: "compare-before", alt: t("compare.before"), hidden: true });
    this.after = h("img", { class: "compare-after", alt: t("compare.after"), hidden: true });
    this.slider = h("input", {
      type: "range", min: 0, max: 100, value: 15, class: "compare-slider", "aria-label": t("compare.slider"), hidden: true,
      on: { input: () => this.#move() },
    });
    this.frame = h("div", { class: "compare-frame" }, this.before, this.after, h("div", { class: "compare-line", "aria-hidden": "true" }), this.slider);
    fill(this, this.frame);
    this.#move();
  }

  /** Show the original alone, given its shape; one that the browser cannot read keeps its room alone. */
  original(address, { width, height, readable }) {
    this.frame.style.setProperty("--shape", `${width / height}`);
    this.before.hidden = !readable;
    if (readable) this.before.src = address;
    this.clear();
  }

  /** Take the result away. */
  clear() {
    this.after.hidden = this.slider.hidden = true;
    this.after.removeAttribute("src");
    this.removeAttribute("data-compared");
  }

  /** Show a result over the original, once it can be drawn, so that nothing flickers. */
  async result(address) {
    const loaded = new Image();
    loaded.src = address;
    await loaded.decode();
    if (this.before.hidden) this.frame.style.setProperty("--shape", `${loaded.naturalWidth / loaded.naturalHeight}`);
    this.after.src = address;
    this.after.hidden = this.slider.hidden = false;
    this.dataset.compared = "";
  }

  #move() {
    this.frame.style.setProperty("--uncovered", `${this.slider.value}%`);
    this.slider.setAttribute("aria-valuetext", t("compare.value", { percent: 100 - Number(this.slider.value) }));
  }
}

customElements.define("atelier-compare", Compare);
