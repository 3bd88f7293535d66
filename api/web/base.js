// What parts and panels work with, in one place: each is explained where it stands.

export * from "./core/api.js";
export * from "./core/dom.js";
export * from "./core/i18n.js";
export * from "./core/jobs.js";
export { session } from "./core/session.js";
export { store } from "./core/store.js";
export { notices, notify, tell } from "./parts/notices.js";
