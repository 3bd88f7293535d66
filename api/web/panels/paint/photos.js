// The photos that a person has chosen, each with a small copy to look at and to try styles on.

import { href, upload } from "../../base.js";

/** The longest side of a quick preview, in pixels. */
export const PREVIEW_SIDE = 384;

/** One photo. It is uploaded when it is needed first, and once. */
export class Photo {
  #uploaded = new Map();
  #small = null;

  constructor(file) {
    this.file = file;
    this.name = file.name || "photo";
    this.url = URL.createObjectURL(file);
  }

  /** Return the id of the whole file at the service. */
  id(options) {
    return this.#once("whole", () => upload(this.file, options));
  }

  /** Return the id of the small copy; of the file itself, where the browser cannot read it. */
  async smallId(options) {
    const { blob } = await this.small();
    return this.#once("small", () => upload(blob, options));
  }

  /** Return a small copy, and the shape of the photo as it is seen: { blob, width, height, readable }. */
  small() {
    this.#small ??= reduced(this.file).catch(() => ({ blob: this.file, width: 3, height: 2, readable: false }));
    return this.#small;
  }

  forget() {
    URL.revokeObjectURL(this.url);
  }

  async #once(which, send) {
    const known = this.#uploaded.get(which) ?? send().then(({ id }) => id);
    this.#uploaded.set(which, known);
    try {
      return await known;
    } catch (error) {
      this.#uploaded.delete(which); // the next one tries again
      throw error;
    }
  }
}

/** A picture that a job made, as a photo. It stays at the service: a chain, without a way over the browser. */
export class Made {
  constructor({ id, custom_id: name, outputs }, number) {
    const { url, width, height, bytes } = outputs[number];
    this.name = name ?? id;
    this.url = href(url);
    this.file = { size: bytes };
    this.id = this.smallId = async () => `job:${id}/${number}`;
    this.small = async () => ({ width, height, readable: true });
  }

  forget() {}
}

async function reduced(file) {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  const scale = Math.min(1, PREVIEW_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(8, Math.round(width * scale));
  canvas.height = Math.max(8, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const type = file.type === "image/jpeg" ? "image/jpeg" : "image/png"; // others may be transparent
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.92));
  return { blob, width, height, readable: true };
}
