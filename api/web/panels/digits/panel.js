// Digits: handwriting of a network, from seeds, between two of them, and on a map that one walks on.

import { fill, h } from "../../core/dom.js";
import { t } from "../../core/i18n.js";
import { tell } from "../../parts/notices.js";
import { DigitsBetween } from "./between.js";
import { DigitSheet } from "./sheet.js";
import { DigitWalk } from "./walk.js";

const VIEWS = { sheet: DigitSheet, between: DigitsBetween, walk: DigitWalk };

export class Digits extends HTMLElement {
  #chosen = "sheet";

  connectedCallback() {
    if (this.firstChild) return;
    this.views = Object.fromEntries(Object.entries(VIEWS).map(([id, View]) => [id, new View()]));
    this.links = Object.keys(VIEWS).map((id) => h("a", { class: "segment", href: `#/digits/${id}`, data: { id } }, t(`digits.view-${id}`)));
    fill(this,
      h("header", { class: "stack-tight" }, h("h1", { tabindex: "-1" }, t("digits.title")), h("p", { class: "hint" }, t("digits.lead"))),
      h("nav", { class: "segments", "aria-label": t("digits.views") }, this.links),
      Object.values(this.views));
  }

  /** `rest` names a view, or a result to be drawn again: ["again", id]. */
  show([id, job]) {
    this.#chosen = id === "again" ? "sheet" : this.#chosen;
    this.#chosen = id in VIEWS ? id : this.#chosen;
    for (const link of this.links) link.setAttribute("aria-current", link.dataset.id === this.#chosen ? "page" : "false");
    for (const [each, view] of Object.entries(this.views)) {
      view.hidden = each !== this.#chosen;
      if (view.hidden) view.hide();
    }
    if (id === "again") this.views.sheet.again(job).catch(tell);
    else this.views[this.#chosen].show();
  }

  hide() {
    for (const view of Object.values(this.views)) view.hide();
  }
}

customElements.define("atelier-digits", Digits);
