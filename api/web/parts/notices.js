// Short notices at the foot of the page, read out by screen readers; they take no room of the layout.

import { sentence } from "../core/api.js";
import { h, icon } from "../core/dom.js";
import { t } from "../core/i18n.js";

const SECONDS = 8;
const region = h("div", { class: "notices", role: "status", "aria-live": "polite" });

/** The region, which the shell puts on the page. */
export const notices = () => region;

/** Tell a sentence; `kind` is "info" or "fault". */
export function notify(text, kind = "info") {
  const close = h("button", { class: "quiet", "aria-label": t("notice.close"), on: { click: () => notice.remove() } }, icon("close"));
  const notice = h("div", { class: `notice ${kind}` }, h("span", {}, text), close);
  region.append(notice);
  if (kind === "info") setTimeout(() => notice.remove(), SECONDS * 1000);
}

/** Tell of anything that was thrown; what was only broken off is no news. */
export function tell(error) {
  if (error?.name === "AbortError") return;
  console.info(error);
  notify(sentence(error), "fault");
}
