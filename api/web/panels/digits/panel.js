import { fill, h } from "../../core/dom.js";
import { t } from "../../core/i18n.js";

export class Digits extends HTMLElement {
  connectedCallback() {
    fill(this, h("h1", { tabindex: "-1" }, t("nav.digits")));
  }
}

customElements.define("atelier-digits", Digits);
