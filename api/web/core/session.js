// The key of this browser, and what it may do. It is kept for the tab, and longer only where that was asked for.

const NAME = "atelier.key";
const needed = document.documentElement.dataset.keys === "needed";

class Session extends EventTarget {
  #key = "";
  #ended = false;
  owner = "";
  scopes = new Set();

  constructor() {
    super();
    this.#key = read("sessionStorage") || read("localStorage");
  }

  /** The key; "" where requests are sent without one. */
  get key() {
    return this.#key;
  }

  /** Whether a key must be asked for, as far as the page was told when it was sent. */
  get mustSignIn() {
    return needed && !this.#key;
  }

  /** Whether this browser may do what needs a scope; null stands for any. */
  may(scope) {
    return scope === null || this.scopes.has(scope);
  }

  /** Take a key, for this tab or for longer. */
  take(key, remember) {
    this.#key = key;
    this.#ended = false;
    write("sessionStorage", key);
    if (remember) write("localStorage", key);
  }

  /** Note whose requests these are: the response of /v1/keys/self. */
  identify({ owner, scopes }) {
    this.owner = owner;
    this.scopes = new Set(scopes);
  }

  /** Forget the key; `reason` is a key of the words, told where the next one is asked for. */
  end(reason = "") {
    if (this.#ended) return; // several requests find out at once
    this.#ended = true;
    this.#key = "";
    this.scopes = new Set();
    for (const storage of ["sessionStorage", "localStorage"]) write(storage, "");
    this.dispatchEvent(new CustomEvent("end", { detail: reason }));
  }
}

function read(storage) {
  try {
    return window[storage].getItem(NAME) ?? "";
  } catch {
    return ""; // the browser keeps nothing for this page
  }
}

function write(storage, key) {
  try {
    if (key) window[storage].setItem(NAME, key);
    else window[storage].removeItem(NAME);
  } catch {
    // it is kept in this object alone
  }
}

export const session = new Session();
