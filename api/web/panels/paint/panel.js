import { fill, h } from "../../core/dom.js";
import { t } from "../../core/i18n.js";

export class Paint extends HTMLElement {
  connectedCallback() {
    fill(this, h("h1", { tabindex: "-1" }, t("nav.paint")));
  }
}

customElements.define("atelier-paint", Paint);
