// The start of the page: words, then the sign-in field where one is needed, then the shell with its panels.

import { api, fill, h, loadWords, Problem, sentence, session, store, t } from "./base.js";
import { events } from "./core/events.js";
import { bring, PANELS } from "./panels.js";

async function open() {
  try {
    session.identify(await api.get("v1/keys/self"));
    const { Shell } = await import("./parts/shell.js");
    fill(document.body, new Shell());
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return; // `end` has shown the field
    return fill(document.body, unreachable(error));
  }
  events.start();
}

function unreachable(error) {
  const again = h("button", { class: "primary", on: { click: () => (again.remove(), open()) } }, t("start.again"));
  return h("main", { class: "plain-note", role: "alert" }, h("h1", {}, t("start.failed")), h("p", {}, sentence(error)), again);
}

async function askForKey(reason) {
  const { SignIn } = await import("./parts/sign-in.js");
  fill(document.body, new SignIn(reason, open));
}

/** Have the panel of the address on its way while the first answers are. Whether it came, the shell tells. */
function bringFirst() {
  const { id } = PANELS.find((panel) => location.hash.startsWith(`#/${panel.id}`)) ?? PANELS[0];
  bring(id).catch(() => {});
}

session.addEventListener("end", (event) => {
  store.clear();
  askForKey(event.detail);
});

if (!session.mustSignIn) bringFirst();
await loadWords();
await (session.mustSignIn ? askForKey("") : open());
