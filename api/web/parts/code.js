// The same request as a program would send it, to be copied.

import { fill, h, icon, notify, t, tell } from "../base.js";

const LANGUAGES = { curl: "curl", python: "Python", javascript: "JavaScript" };

/** `job` returns the request as it is now; the texts come with a module of their own, when they are looked at. */
export class Code extends HTMLElement {
  #chosen = "curl";

  constructor(job) {
    super();
    this.job = job;
  }

  connectedCallback() {
    if (this.firstChild) return;
    this.buttons = Object.entries(LANGUAGES).map(([id, name]) =>
      h("button", { class: "small", type: "button", data: { id }, on: { click: () => this.#choose(id) } }, name));
    this.text = h("pre", { class: "code", tabindex: "0", "aria-label": t("code.text") });
    const copy = h("button", { class: "small", type: "button", on: { click: () => this.#copy() } }, t("code.copy"));
    const body = h("div", { class: "code-body" }, h("div", { class: "row", role: "group", "aria-label": t("code.language") }, this.buttons, copy), this.text);
    this.details = h("details", { on: { toggle: () => this.refresh() } }, h("summary", {}, icon("code"), t("code.title")), body);
    fill(this, this.details);
  }

  /** Show what the request is now. */
  refresh() {
    if (!this.details?.open) return;
    if (this.samples) this.#show();
    else this.#bring().catch(tell);
  }

  async #bring() {
    ({ samples: this.samples } = await import("./samples.js"));
    this.#show();
  }

  #show() {
    for (const button of this.buttons) button.setAttribute("aria-pressed", `${button.dataset.id === this.#chosen}`);
    fill(this.text, this.samples(this.job())[this.#chosen]);
  }

  #choose(id) {
    this.#chosen = id;
    this.refresh();
  }

  async #copy() {
    getSelection().selectAllChildren(this.text);
    try {
      await navigator.clipboard.writeText(this.text.textContent);
    } catch {
      document.execCommand("copy"); // pages without TLS have no clipboard
    }
    notify(t("code.copied"));
  }
}

customElements.define("atelier-code", Code);
