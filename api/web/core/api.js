// Requests to the service: with the key, tried again while the network or the service is away.

import { has, t } from "./i18n.js";
import { session } from "./session.js";

const BASE = new URL(".", document.baseURI); // the page may stand behind a prefix
const PATIENCE_SECONDS = 30;
const AWAY = new Set([502, 503, 504]); // 502 and 504 come from a proxy

/** A request that was refused; `status` is 0 where no response came. */
export class Problem extends Error {
  constructor(status, body, retryAfter = 0) {
    super(body.detail ?? body.title ?? `${status}`);
    Object.assign(this, { status, code: body.code ?? "", title: body.title ?? "", errors: body.errors ?? [] });
    Object.assign(this, { detail: body.detail ?? "", requestId: body.request_id ?? "", retryAfter, body });
  }
}

/** Return one sentence for people about anything that was thrown. */
export const sentence = (error) => (error instanceof Problem ? told(error) : error.message);

/** Return an error of a response, or of a job, in words: by its code, else as the service tells it, in English. */
export function told({ code, detail, title, status }) {
  if (has(`problem.${code}`)) return t(`problem.${code}`, { detail });
  const text = detail || title || t("problem.unknown", { status });
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Return the address of something of the service, given its path (`v1/...`) or any address that it has told. */
export function href(address, params = {}) {
  const url = new URL(address, BASE);
  const at = url.href.startsWith(BASE.href) ? -1 : url.pathname.indexOf("/v1/");
  const own = at < 0 ? url : new URL(url.pathname.slice(at + 1) + url.search, BASE);
  for (const [name, value] of Object.entries(params))
    if (value !== null && value !== undefined && value !== "") own.searchParams.set(name, value);
  return own.href;
}

/** Return the address under which programs elsewhere reach the service. */
export const serviceUrl = () => BASE.href.replace(/\/$/, "");

/** Return a text that no other request has. Browsers give UUIDs to pages with TLS alone. */
export function unique() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Send one request and return its response, whatever its status; raises Problem where none comes. */
export async function send(method, address, { params, headers = {}, body, signal, trial = "" } = {}) {
  const key = trial || session.key;
  const all = key ? { ...headers, Authorization: `Bearer ${key}` } : headers;
  try {
    return await fetch(href(address, params), { method, headers: all, body, signal, cache: "no-cache" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, { code: "network", detail: error.message });
  }
}

/** Return the Problem of a response that is none of success. A key that is not valid ends the session, but for
 * one on trial, which is not the session's. */
export async function problemOf(response, { trial = "" } = {}) {
  const body = await response.json().catch(() => ({}));
  if (response.status === 401 && !trial) session.end(session.key ? "signin.revoked" : "");
  return new Problem(response.status, body, Number(response.headers.get("Retry-After")) || 0);
}

async function attempt(method, address, options) {
  const response = await send(method, address, options);
  if (!response.ok) throw await problemOf(response, options);
  return response;
}

const mayPass = (error) =>
  error instanceof Problem && (error.status === 0 || AWAY.has(error.status) || error.code === "rate_limited");

/** Send a request that may be repeated; wait while the service is away. `patience` is in seconds. */
async function insist(method, address, options) {
  const until = Date.now() + (options.patience ?? PATIENCE_SECONDS) * 1000;
  for (let pause = 0.5; ; pause = Math.min(pause * 2, 5)) {
    try {
      return await attempt(method, address, options);
    } catch (error) {
      const wait = (error.retryAfter || pause) * 1000;
      if (!mayPass(error) || Date.now() + wait > until) throw error;
      await delay(wait, options.signal);
    }
  }
}

/** Wait so many milliseconds; raises what the signal was aborted with. */
export function delay(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

const parsed = async (response) => (response.status === 204 ? null : response.json());

const asJson = (value) =>
  value === undefined ? {} : { body: JSON.stringify(value), headers: { "Content-Type": "application/json" } };

export const api = {
  /** Read JSON. */
  get: async (address, params, options = {}) => parsed(await insist("GET", address, { params, ...options })),

  /** Read bytes, such as a picture or an archive. */
  blob: async (address, options = {}) => (await insist("GET", address, options)).blob(),

  /** Make something once, however often the request must be sent: a job, a batch, an action. With `wait`, the
   * response to a job comes when it is done, or after so many seconds. */
  async create(address, value, options = {}) {
    const { headers, body } = asJson(value);
    const once = { ...headers, "Idempotency-Key": unique(), ...(options.wait && { Prefer: `wait=${options.wait}` }) };
    return parsed(await insist("POST", address, { ...options, headers: once, body }));
  },

  /** Send what has the same effect when it comes twice, as a form: files and styles. */
  form: async (address, form, options = {}) => parsed(await insist("POST", address, { body: form, ...options })),

  /** Ask for a change, once: a lost response is told as a Problem. */
  post: async (address, value, options = {}) => parsed(await attempt("POST", address, { ...asJson(value), ...options })),

  put: async (address, value, options = {}) => parsed(await insist("PUT", address, { ...asJson(value), ...options })),

  delete: async (address, options = {}) => parsed(await attempt("DELETE", address, options)),
};
