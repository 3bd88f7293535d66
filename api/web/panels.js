// The panels of the page, in the order of their tabs. README.md tells how to add one.

/** `scope` is what a key needs to see the panel; null is any key that may read. `load` brings its module. */
export const PANELS = [
  { id: "paint", icon: "brush", scope: "submit", tag: "atelier-paint", load: () => import("./panels/paint/panel.js") },
  { id: "digits", icon: "grid", scope: "submit", tag: "atelier-digits", load: () => import("./panels/digits/panel.js") },
];
