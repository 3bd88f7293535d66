// Settings under names: those that the service keeps, and one that a picture carries.

import { api, fill, h, icon, notify, sentence, t } from "../../base.js";
import { openDialog } from "../../parts/dialog.js";

/** Offer to take the recipe of a picture for another photo. */
export function offerRecipe(stage, use) {
  fill(stage.offer, icon("redo"), t("recipe.carried"));
  stage.offered = use;
  stage.offer.hidden = false;
}

/** Show the recipes of the service. `use` is called with the settings of the one that is chosen; `present` returns
 * the job of the present settings, to be kept as one. */
export async function openRecipes(present, use) {
  const { data, shared } = await api.get("v1/recipes", { limit: 200 });
  const fit = [...data, ...shared].filter(({ settings }) => settings.type !== "generate");
  const close = h("button", { class: "quiet dialog-close", "aria-label": t("dialog.close"), on: { click: () => dialog.close() } }, icon("close"));
  const row = ({ name, reference, settings }) => h("li", { class: "row" },
    h("button", { "aria-label": t("recipe.use", { name }), on: { click: () => (dialog.close(), use(settings)) } }, name),
    h("span", { class: "hint" }, [reference, ...(settings.styles ?? []).map((style) => style.name ?? style.number), settings.model].filter(Boolean).join(" · ")));
  const list = fit.length ? h("ul", { class: "stack recipes" }, fit.map(row)) : h("p", { class: "empty" }, t("recipe.none"));
  const dialog = openDialog(t("recipe.title"), "ask", close, list, keeping(present, () => dialog.close()));
  return dialog;
}

/** Return the form that keeps the present settings under a name. */
function keeping(present, kept) {
  const name = h("input", { name: "name", required: true, pattern: "[a-z0-9][a-z0-9._\\-]{0,63}", placeholder: "print-a3", autocomplete: "off", "aria-label": t("recipe.name") });
  const note = h("p", { class: "hint", role: "status" }, t("recipe.keep-hint"));
  const keep = async (event) => {
    event.preventDefault();
    try {
      const { reference } = await api.post("v1/recipes", { name: name.value, settings: await settingsOf(await present(), name.value) });
      notify(t("recipe.kept", { name: reference }));
      kept();
    } catch (error) {
      note.className = "fault-text";
      fill(note, sentence(error));
    }
  };
  return h("form", { class: "stack", on: { submit: keep } }, h("h3", {}, t("recipe.keep")), h("div", { class: "row" }, h("div", { class: "grow" }, name), h("button", {}, t("recipe.keep-button"))), note);
}

/** Return the settings of a job that a recipe may have. Pictures of styles go when no job needs them any more, so they
 * are kept as styles, under names like the recipe's. */
async function settingsOf({ content: _, mask: __, metadata: ___, ...settings }, name) {
  if (!settings.styles) return settings;
  const styles = await Promise.all(settings.styles.map(async ({ image, ...style }, at) => (image ? { ...style, name: await stored(image, at ? `${name}-${at + 1}` : name) } : style)));
  return { ...settings, styles };
}

const stored = async (image, name) => (await api.post("v1/styles", { name, image })).name;
