// A walk through the latent space: a map of digits, and a point to move on it.

import { api, done, h, href, submit, t, tell } from "../../base.js";
import { digitField } from "./fields.js";
import { glance, kept, sheet } from "./request.js";
import { action, checked, View } from "./view.js";

const CLASSES = 10;
const SIDE = 9; // pictures in a row of the map
const REACH = 1.6; // how far the edges of the map are from its middle, in units of the directions
const STEP = 0.05; // of the map's width, for a key
const UPSCALE = { factor: 10, filter: "lanczos" };

export class DigitWalk extends View {
  #at = { x: 0, y: 0 }; // both -1 to 1
  #directions = [];
  #busy = false;
  #wanted = false;

  stage() {
    this.map = h("img", { class: "walk-map", alt: t("digits.map"), draggable: "false" });
    this.cursor = h("div", { class: "walk-cursor" });
    this.pad = h("div", {
      class: "walk-pad", tabindex: "0", role: "slider", "aria-label": t("digits.pad"), "aria-valuemin": -100, "aria-valuemax": 100,
      on: { pointerdown: (event) => this.#grab(event), pointermove: (event) => this.#drag(event), keydown: (event) => this.#key(event) },
    }, this.map, this.cursor);
    return h("div", { class: "walk" }, this.pad, h("div", { class: "digits-stage" }, this.picture));
  }

  fields() {
    this.digit = digitField(3, () => this.changed(), { any: false });
    return [h("p", { class: "hint" }, t("digits.walk-hint")), this.digit];
  }

  actions() {
    return [action("redo", "digits.other-map", async () => ((this.#directions = []), this.changed()))];
  }

  async draw() {
    if (!this.#directions.length) this.#directions = await directions();
    const rows = Array.from({ length: SIDE }, (_, at) => (2 * at) / (SIDE - 1) - 1);
    const latents = rows.flatMap((y) => rows.map((x) => this.#latent({ x, y })));
    const ended = await this.follow(glance({ latents, ...sheet(SIDE, 2) }));
    if (!ended) return;
    this.map.src = href(ended.outputs[0].url);
    await this.#look();
  }

  /** Show the digit at the point. While one is made, the hand goes on, and only its latest place counts. */
  async #look() {
    this.#place();
    this.#wanted = true;
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#wanted) await this.#lookOnce();
    } finally {
      this.#busy = false;
    }
  }

  async #lookOnce() {
    this.#wanted = false;
    const fields = { latents: [this.#latent(this.#at)], upscale: UPSCALE };
    const job = await submit(glance(fields), { wait: 10 });
    const { url } = checked(job.done ? job : await done(job.id)).outputs[0];
    await this.put(url, t("digits.walk-alt", this.#percent()));
    this.offer(kept(fields), url, "digit");
  }

  /** Return the latent of a point: a mix of three directions, as long as random ones are, and the digit. */
  #latent({ x, y }) {
    const [middle, right, down] = this.#directions;
    const length = Math.hypot(1, x * REACH, y * REACH);
    const normals = middle.map((value, at) => (value + x * REACH * right[at] + y * REACH * down[at]) / length);
    const classes = Array.from({ length: CLASSES }, (_, digit) => Number(digit === this.digit.digit()));
    return [...normals, ...classes].map((value) => Math.round(value * 1e4) / 1e4);
  }

  #grab(event) {
    this.pad.setPointerCapture(event.pointerId);
    this.#drag(event);
  }

  #drag(event) {
    if (event.buttons !== 1) return;
    const { left, top, width, height } = this.pad.getBoundingClientRect();
    this.#go((2 * (event.clientX - left)) / width - 1, (2 * (event.clientY - top)) / height - 1);
  }

  #key(event) {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (dx === undefined) return;
    event.preventDefault();
    this.#go(this.#at.x + dx * STEP * 2, this.#at.y + dy * STEP * 2);
  }

  #go(x, y) {
    const inside = (value) => Math.max(-1, Math.min(1, value));
    this.#at = { x: inside(x), y: inside(y) };
    this.#look().catch(tell);
  }

  #place() {
    const { x, y } = this.#at;
    this.cursor.style.setProperty("left", `${(x + 1) * 50}%`);
    this.cursor.style.setProperty("top", `${(y + 1) * 50}%`);
    this.pad.setAttribute("aria-valuenow", Math.round(x * 100));
    this.pad.setAttribute("aria-valuetext", t("digits.place", this.#percent()));
  }

  #percent() {
    return { x: Math.round(this.#at.x * 100), y: Math.round(this.#at.y * 100) };
  }
}

/** Return three random directions in the space of the model's latents. */
async function directions() {
  const { data } = await api.get("v1/models");
  const model = data.find((each) => each.type === "generate" && each.default);
  const { input_schema: schema } = await api.get(`v1/models/${model.name}`);
  const size = schema.properties.latents.anyOf[0].items.minItems - CLASSES;
  return Array.from({ length: 3 }, () => Array.from({ length: size }, normal));
}

function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

customElements.define("atelier-digits-walk", DigitWalk);
