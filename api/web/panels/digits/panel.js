// Digits: from seeds, between two of them, and on a map.

import { fill, h, late, t, tell } from "../../base.js";
import "./sheet.js";

const VIEWS = ["sheet", "between", "walk"]; // modules, each with an element; all but the first are loaded when they are chosen

export class Digits extends HTMLElement {
  #chosen = "sheet";

  connectedCallback() {
    if (this.firstChild) return;
    this.views = {};
    this.links = VIEWS.map((id) => h("a", { class: "segment", href: `#/digits/${id}`, data: { id } }, t(`digits.view-${id}`)));
    fill(this,
      h("header", { class: "stack-tight" }, h("h1", { tabindex: "-1" }, t("digits.title")), h("p", { class: "hint" }, t("digits.lead"))),
      h("nav", { class: "segments", "aria-label": t("digits.views") }, this.links));
  }

  /** `rest` names a view, or a result to be drawn again: ["again", id]. */
  show([id, job]) {
    this.#chosen = id === "again" ? "sheet" : this.#chosen;
    this.#chosen = VIEWS.includes(id) ? id : this.#chosen;
    for (const link of this.links) link.setAttribute("aria-current", link.dataset.id === this.#chosen ? "page" : "false");
    this.#reveal(this.#chosen, id === "again" && job).catch(tell);
  }

  /** Show a view once it is there; the one before stays until then. `job` is one to draw again. */
  async #reveal(id, job) {
    if (id !== VIEWS[0]) await late(import(`./${id}.js`));
    if (id !== this.#chosen || this.hidden) return; // another was chosen meanwhile
    const view = (this.views[id] ??= this.#add(id));
    for (const other of Object.values(this.views)) {
      other.hidden = other !== view;
      if (other.hidden) other.hide();
    }
    if (job) await view.again(job);
    else view.show();
  }

  #add(id) {
    const view = document.createElement(`atelier-digits-${id}`);
    this.append(view);
    return view;
  }

  hide() {
    for (const view of Object.values(this.views)) view.hide();
  }
}

customElements.define("atelier-digits", Digits);
