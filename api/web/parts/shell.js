// What stands around the panels: the tabs, whether the service answers, who is signed in.

import { fill, h, icon, notices, serviceUrl, session, t, tell } from "../base.js";
import { events } from "../core/events.js";
import { bring, PANELS } from "../panels.js";

/** Shows one panel at a time, by the hash of the address: #/paint, or #/gallery/anything-that-the-panel-knows. */
export class Shell extends HTMLElement {
  #open = new Map(); // panels that were shown, by id: they keep their state
  #current = null;
  #stop = new AbortController();

  connectedCallback() {
    this.panels = PANELS.filter((panel) => session.may(panel.scope));
    this.tabs = new Map(this.panels.map((panel) => [panel.id, tab(panel)]));
    this.state = h("span", { class: "state", role: "status" });
    this.main = h("main", { id: "main", tabindex: "-1" });
    const skip = h("a", { class: "skip", href: "#main", on: { click: (event) => this.#skip(event) } }, t("shell.skip"));
    fill(this, skip, this.#header(), this.main, this.#footer(), notices());
    const { signal } = this.#stop;
    window.addEventListener("hashchange", () => this.#route(true), { signal });
    events.addEventListener("state", () => this.#showState(), { signal });
    this.#showState();
    this.#route(false);
  }

  disconnectedCallback() {
    this.#stop.abort();
  }

  #header() {
    return h("header", { class: "top" },
      h("a", { class: "brand", href: `#/${this.panels[0]?.id ?? ""}` }, "Atelier"),
      h("nav", { "aria-label": t("shell.nav") }, h("ul", { class: "tabs" }, [...this.tabs.values()].map((each) => h("li", {}, each)))),
      this.state,
      session.key && h("button", { class: "quiet", on: { click: () => session.end() }, title: t("shell.sign-out") }, icon("exit"), h("span", { class: "sr" }, t("shell.sign-out"))));
  }

  #footer() {
    const owner = session.key ? t("shell.owner", { owner: session.owner }) : null;
    return h("footer", { class: "foot" }, owner && h("span", {}, owner), h("a", { href: "docs" }, t("shell.docs")), h("code", {}, serviceUrl()));
  }

  #showState() {
    this.state.dataset.state = events.state;
    fill(this.state, h("span", { class: "dot" }), h("span", { class: "state-text" }, t(`shell.state.${events.state}`)));
  }

  #skip(event) {
    event.preventDefault(); // the hash is the panel's
    this.main.focus();
  }

  async #route(moveFocus) {
    const [id, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
    const panel = this.panels.find((each) => each.id === id) ?? this.panels[0];
    if (!panel) return fill(this.main, h("p", { class: "plain-note" }, t("shell.nothing")));
    try {
      await this.#show(panel, rest, moveFocus);
    } catch (error) {
      tell(error);
    }
  }

  async #show(panel, rest, moveFocus) {
    this.#current = panel.id;
    for (const [id, link] of this.tabs) link.setAttribute("aria-current", id === panel.id ? "page" : "false");
    document.title = `${t(`nav.${panel.id}`)} · Atelier`;
    await bring(panel.id);
    const element = this.#open.get(panel.id) ?? this.#add(panel);
    for (const other of this.#open.values()) if (other !== element) hide(other);
    if (this.#current !== panel.id) return hide(element); // another tab was chosen meanwhile
    element.hidden = false;
    element.show?.(rest);
    this.tabs.get(panel.id).scrollIntoView({ block: "nearest", inline: "nearest" }); // on a phone there are more than one sees
    if (moveFocus) element.querySelector("h1")?.focus({ preventScroll: false });
  }

  #add(panel) {
    const element = document.createElement(`atelier-${panel.id}`);
    element.className = "panel";
    this.#open.set(panel.id, element);
    this.main.append(element);
    return element;
  }
}

function hide(element) {
  if (element.hidden) return;
  element.hidden = true;
  element.hide?.();
}

function tab(panel) {
  return h("a", { href: `#/${panel.id}`, class: "tab" }, icon(panel.icon), h("span", {}, t(`nav.${panel.id}`)));
}

customElements.define("atelier-shell", Shell);
