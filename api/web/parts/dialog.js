// Questions in a dialog: one to confirm, and a small form. The focus goes back to where it was by itself.

import { fill, h, sentence, t } from "../base.js";

let last = 0;

/** Show a dialog with a heading, and return it. It is removed when it is closed. */
export function openDialog(title, className, ...content) {
  const id = `dialog-${(last += 1)}`;
  const dialog = h("dialog", { class: className, "aria-labelledby": id }, h("h2", { id }, title), ...content);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Ask whether to do what cannot be undone; resolves to true or false. `yes` is the button's text. */
export function confirm(title, text, yes) {
  return new Promise((resolve) => {
    const close = (answer) => () => (resolve(answer), dialog.close());
    const dialog = openDialog(title, "ask", h("p", {}, text), h("div", { class: "row end" },
      h("button", { type: "button", autofocus: true, on: { click: close(false) } }, t("dialog.no")),
      h("button", { type: "button", class: "danger", on: { click: close(true) } }, yes)));
    dialog.addEventListener("close", () => resolve(false));
  });
}

/** Ask for the fields of a form. `submit` gets their values by name; what it throws is told in the dialog. */
export function askForm(title, fields, yes, submit) {
  const note = h("p", { class: "fault-text", role: "alert" });
  const button = h("button", { class: "primary" }, yes);
  const form = h("form", { class: "stack" }, fields, note, h("div", { class: "row end" },
    h("button", { type: "button", on: { click: () => dialog.close() } }, t("dialog.cancel")), button));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await submit(Object.fromEntries(new FormData(form)));
      dialog.close();
    } catch (error) {
      fill(note, sentence(error));
    }
    button.disabled = false;
  });
  const dialog = openDialog(title, "ask", form);
  return dialog;
}
