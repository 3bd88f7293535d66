// The field that asks for a key, alone on the page.

import { api, fill, h, Problem, sentence, session, t } from "../base.js";

/** `reason` is a key of the words, told above the field; `opened` is called once a key was taken. */
export class SignIn extends HTMLElement {
  #opened;
  #reason;

  constructor(reason, opened) {
    super();
    this.#reason = reason;
    this.#opened = opened;
  }

  connectedCallback() {
    this.note = h("p", { class: "sign-in-note", role: "alert" }, this.#reason && t(this.#reason));
    this.field = h("input", {
      id: "key", name: "key", type: "password", autocomplete: "current-password", required: true,
      spellcheck: "false", autocapitalize: "off", "aria-describedby": "key-help",
    });
    this.remember = h("input", { type: "checkbox", name: "remember" });
    this.button = h("button", { class: "primary", type: "submit" }, t("signin.button"));
    document.title = t("signin.title");
    fill(this, this.#view());
    this.field.focus();
  }

  #view() {
    return h("main", { class: "sign-in" },
      h("form", { on: { submit: (event) => this.#submit(event) } },
        h("h1", {}, t("signin.title")),
        this.note,
        h("label", { for: "key" }, t("signin.key")),
        this.field,
        h("p", { id: "key-help", class: "hint" }, t("signin.help")),
        h("label", { class: "check" }, this.remember, t("signin.remember")),
        this.button));
  }

  async #submit(event) {
    event.preventDefault();
    this.button.disabled = true;
    const fault = await faultOf(this.field.value.trim());
    this.button.disabled = false;
    if (!fault) {
      session.take(this.field.value.trim(), this.remember.checked);
      return this.#opened();
    }
    fill(this.note, fault);
    this.field.select();
  }
}

/** Return why a key is not taken, in a sentence; "" where it is. */
async function faultOf(key) {
  try {
    await api.get("v1/keys/self", {}, { trial: key, patience: 5 });
    return "";
  } catch (error) {
    const known = error instanceof Problem && { 401: "signin.unknown", 403: "signin.may-not-read" }[error.status];
    return known ? t(known) : sentence(error);
  }
}

customElements.define("atelier-sign-in", SignIn);
