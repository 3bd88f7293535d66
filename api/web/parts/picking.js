// Pictures that a person drops, pastes or picks, out of folders too.

import { h } from "../base.js";

const ENDINGS = /\.(jpe?g|png|webp|gif|bmp|tiff?|hei[cf]|hif|avif)$/i;

/** Whether a file may be a picture. What has no type is judged by its name. */
export const isPicture = (file) => file.type.startsWith("image/") || (!file.type && ENDINGS.test(file.name));

/** Return a hidden field that picks files, and calls `taken` with them. */
export function picker(taken, { folder = false, many = true, label } = {}) {
  return h("input", {
    type: "file", class: "sr", tabindex: "-1", multiple: many, accept: folder ? null : "image/*,.tif,.tiff,.bmp,.heic,.heif,.hif,.avif",
    webkitdirectory: folder, "aria-label": label,
    on: { change: (event) => (event.stopPropagation(), taken([...event.target.files]), (event.target.value = "")) },
  });
}

/** Return all files of a drop, those in dropped folders too. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // 100 at a time
    if (!some.length) return found;
    for (const child of some) found.push(...(await filesOf(child)));
  }
}

/** Take what is dropped on or pasted into the page while `active()` holds. `over` is marked meanwhile. */
export function takeDrops(over, active, taken, signal) {
  const options = { signal };
  const mark = (on) => over.toggleAttribute("data-over", on);
  const accept = (event) => active() && event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => accept(event) && (event.preventDefault(), mark(true)), options);
  document.addEventListener("dragleave", (event) => event.relatedTarget || mark(false), options);
  document.addEventListener("drop", async (event) => {
    if (!accept(event)) return;
    event.preventDefault();
    mark(false);
    taken(await dropped(event.dataTransfer));
  }, options);
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (active() && files.length) taken(files);
  }, options);
}
