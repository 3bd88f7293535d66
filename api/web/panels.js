// The panels of the page, in the order of their tabs. README.md tells how to add one.

import { h } from "./core/dom.js";

/** `scope` is what a key needs to see the panel; null is any key that may read. */
export const PANELS = [
  { id: "paint", icon: "brush", scope: "submit" },
  { id: "digits", icon: "grid", scope: "submit" },
  { id: "work", icon: "list", scope: null },
  { id: "gallery", icon: "image", scope: null },
  { id: "operator", icon: "gauge", scope: "admin" },
];

/** Bring what a panel is made of, when it is opened first: its module, and its looks, so that nothing is seen without them. */
export const bring = (id) => Promise.all([import(`./panels/${id}/panel.js`), looks(id)]);

const sheets = {};

function looks(id) {
  sheets[id] ??= new Promise((resolve, reject) => {
    const href = new URL(`panels/${id}/style.css`, import.meta.url);
    const failed = () => (link.remove(), delete sheets[id], reject(new Error(`${href}`))); // the next one tries again
    const link = h("link", { rel: "stylesheet", href, on: { load: resolve, error: failed } });
    document.head.append(link);
  });
  return sheets[id];
}
