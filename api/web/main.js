// The start of the page: words, then the sign-in field where one is needed, then the shell with its panels.

import { api, Problem, sentence } from "./core/api.js";
import { fill, h } from "./core/dom.js";
import { events } from "./core/events.js";
import { loadWords, t } from "./core/i18n.js";
import { session } from "./core/session.js";
import { store } from "./core/store.js";
import { Shell } from "./parts/shell.js";
import { SignIn } from "./parts/sign-in.js";

async function open() {
  try {
    session.identify(await api.get("v1/keys/self"));
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return; // `end` has shown the field
    return fill(document.body, unreachable(error));
  }
  fill(document.body, new Shell());
  events.start();
}

function unreachable(error) {
  const again = h("button", { class: "primary", on: { click: () => (again.remove(), open()) } }, t("start.again"));
  return h("main", { class: "plain-note", role: "alert" }, h("h1", {}, t("start.failed")), h("p", {}, sentence(error)), again);
}

const askForKey = (reason) => fill(document.body, new SignIn(reason, open));

session.addEventListener("end", (event) => {
  store.clear();
  askForKey(event.detail);
});

await loadWords();
if (session.mustSignIn) askForKey("");
else await open();
