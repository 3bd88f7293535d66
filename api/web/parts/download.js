// A link that saves a picture under a name that says what it is; the service names its files by job.

import { api, h, href, icon, t, tell } from "../base.js";

/** Return the link, hidden until it is offered something. */
export function downloadLink() {
  const link = h("a", { class: "button", hidden: true }, icon("download"), t("download.link"));
  link.addEventListener("click", (event) => link.download && (event.preventDefault(), save(link.href, link.download).catch(tell)));
  return link;
}

/** Offer a file under its address; without a name it is sent as the service names it, which is for large ones. */
export function offer(link, address, name = "") {
  link.href = href(address);
  if (name) link.download = name;
  else link.removeAttribute("download");
  link.hidden = false;
}

async function save(address, name) {
  const url = URL.createObjectURL(await api.blob(address));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
