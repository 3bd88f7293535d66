// The panels of the page, in the order of their tabs. README.md tells how to add one.

/** `scope` is what a key needs to see the panel; null is any key that may read. `load` brings its module. */
export const PANELS = [
  { id: "paint", icon: "brush", scope: "submit", tag: "atelier-paint", load: () => import("./panels/paint/panel.js") },
  { id: "digits", icon: "grid", scope: "submit", tag: "atelier-digits", load: () => import("./panels/digits/panel.js") },
  { id: "work", icon: "list", scope: null, tag: "atelier-work", load: () => import("./panels/work/panel.js") },
  { id: "gallery", icon: "image", scope: null, tag: "atelier-gallery", load: () => import("./panels/gallery/panel.js") },
  { id: "operator", icon: "gauge", scope: "admin", tag: "atelier-operator", load: () => import("./panels/operator/panel.js") },
];
