// The fields of a search. They stand in the address too.

import { api, fill, h, t } from "../../base.js";
import { field, select } from "../../parts/fields.js";

const STATES = ["succeeded", "failed", "canceled", "expired"];
const WAIT = 400; // milliseconds after the last letter

export class SearchForm {
  constructor(changed) {
    const options = (name, values) => values.map((value) => [value, t(value ? `${name}.${value}` : "list.all")]);
    this.models = select("model", [["", t("list.all")]]);
    this.styles = h("datalist", { id: "gallery-styles" });
    const text = (name, props = {}) => h("input", { name, type: "search", autocomplete: "off", ...props });
    const date = (name) => h("input", { name, type: "date" });
    const isWide = matchMedia("(min-width: 701px)").matches; // a phone shows the pictures first
    this.element = h("form", { role: "search", "aria-label": t("gallery.search") },
      h("div", { class: "search" },
        field(t("gallery.status"), select("status", options("status", [...STATES, ""]))),
        field(t("gallery.style"), text("style", { list: "gallery-styles" })), this.styles,
        field(t("gallery.metadata"), text("metadata", { placeholder: t("gallery.metadata-example") })),
        h("button", { type: "reset", class: "quiet" }, t("gallery.reset"))),
      h("details", { open: isWide }, h("summary", {}, t("gallery.more")), h("div", { class: "search" },
        field(t("gallery.type"), select("type", options("type", ["", "stylize", "generate", "transform"]))),
        field(t("gallery.model"), this.models),
        field(t("gallery.since"), date("since")), field(t("gallery.until"), date("until")),
        h("label", { class: "check" }, h("input", { type: "checkbox", name: "items" }), t("gallery.items")))));
    this.element.addEventListener("submit", (event) => event.preventDefault());
    this.element.addEventListener("reset", () => setTimeout(changed));
    this.element.addEventListener("input", (event) => this.#later(changed, event.target.matches("[type=search]") ? WAIT : 0));
    this.#readNames();
  }

  /** What the list of jobs is asked for. */
  get params() {
    const { since, until, metadata, items, ...rest } = this.#values();
    return {
      ...rest, items: String(items === "on"), metadata: metadata?.includes("=") ? metadata : "",
      since: since && new Date(`${since}T00:00`).toISOString(), until: until && dayAfter(until).toISOString(),
    };
  }

  /** Whether it leaves anything out but what did not succeed. */
  get isNarrow() {
    return Object.entries(this.#values()).some(([name, value]) => value && !(name === "status" && value === "succeeded") && name !== "items");
  }

  /** The part of the address that has the search; "" without one. */
  get hash() {
    const text = new URLSearchParams(Object.entries(this.#values()).filter(([name, value]) => value !== (name === "status" ? "succeeded" : ""))).toString();
    return text && `/${encodeURIComponent(text)}`;
  }

  /** Fill in what an address had. */
  set(values) {
    this.wanted = values.get("model"); // it may not be among the options yet
    for (const control of this.element.elements) {
      if (!control.name || !values.has(control.name)) continue;
      if (control.type === "checkbox") control.checked = true;
      else control.value = values.get(control.name);
    }
  }

  #values() {
    return Object.fromEntries(new FormData(this.element));
  }

  #later(changed, wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(changed, wait);
  }

  async #readNames() {
    const [models, styles] = await Promise.all([api.get("v1/models"), api.get("v1/styles", { limit: 200 })]).catch(() => []);
    if (!models) return;
    this.models.append(...models.data.map((model) => h("option", { value: model.name }, model.title)));
    if (this.wanted) this.models.value = this.wanted;
    const builtin = styles.builtin.flatMap((each) => each.styles.map((style) => h("option", { value: style.number, label: style.name })));
    fill(this.styles, styles.data.map((style) => h("option", { value: style.name })), builtin);
  }
}

function dayAfter(day) {
  const date = new Date(`${day}T00:00`);
  date.setDate(date.getDate() + 1);
  return date;
}
