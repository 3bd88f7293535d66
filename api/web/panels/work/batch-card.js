// One batch: how far it is, what failed, and what can be done.

import { fill, h, href, icon, number, seconds, session, t, when } from "../../base.js";
import { hintText, reasonText } from "../../parts/job-words.js";
import { acted } from "./row.js";

const ACTS = [ // name, icon, when
  ["resume", "play", (batch) => batch.status === "paused"],
  ["pause", "pause", (batch) => !batch.done && batch.status !== "paused"],
  ["front", "first", (batch) => batch.counts.queued > 0],
  ["back", "last", (batch) => batch.counts.queued > 0],
  ["retry-failed", "redo", (batch) => batch.counts.failed + batch.counts.expired > 0 && batch.status !== "canceled"],
  ["cancel-batch", "close", (batch) => !batch.done],
];
const CELL = { side: 96, gap: 8, caption: 16, columns: 10, most: 100 }; // as the service draws contact sheets

export class BatchCard {
  constructor(id, { whole = false } = {}) {
    this.name = whole ? h("h2", { tabindex: "-1" }) : h("h3", {}, h("a", { href: `#/work/${id}` }));
    this.state = h("span", { class: "tag" });
    this.share = h("div", { class: "share", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" });
    this.line = h("p", { class: "num" });
    this.why = h("p", { class: "hint" });
    this.failures = h("ul", { class: "failures" });
    this.buttons = new Map(ACTS.map(([name, image]) => [name, this.#button(name, image)]));
    this.archive = h("a", { class: "button small", download: "" }, icon("download"), t("batch.archive"));
    this.sheet = h("details", { on: { toggle: () => this.#showSheet() } }, h("summary", {}, t("batch.sheet")));
    this.element = h("li", { class: "card batch", data: { id } }, h("div", { class: "row job-head" }, this.name, this.state),
      this.share, this.line, this.why, this.failures, h("div", { class: "row" }, [...this.buttons.values()], this.archive), this.sheet);
  }

  /** Show a batch as it is now. */
  show(batch) {
    if (!batch.urls) return; // an event came before its record
    this.batch = batch;
    const { counts } = batch;
    fill(this.name.firstElementChild ?? this.name, batch.name || t("batch.unnamed", { time: when(batch.created_at) }));
    fill(this.state, t(batch.stopped_by === "sample" ? "status.sample" : `status.${batch.status}`));
    this.element.dataset.status = batch.status;
    this.#showShare(counts);
    fill(this.line, line(batch));
    fill(this.why, whyText(batch));
    this.why.hidden = !this.why.textContent;
    fill(this.failures, batch.failures.map(failure));
    for (const [name, , has] of ACTS) this.buttons.get(name).hidden = !session.may("submit") || !has(batch);
    this.archive.hidden = this.sheet.hidden = !counts.succeeded;
    this.archive.href = href(batch.urls.archive);
    if (this.sheet.open) this.#showSheet();
  }

  #button(name, image) {
    const run = async () => {
      button.disabled = true;
      await acted(name, this.batch);
      button.disabled = false;
    };
    const button = h("button", { class: "small", data: { act: name }, on: { click: run } }, icon(image), name === "front" || name === "back" ? t(`work.${name}`) : t(`batch.${name}`));
    return button;
  }

  #showShare(counts) {
    const part = (name) => h("span", { class: `part ${name}`, style: { "--share": `${(counts[name] / Math.max(1, counts.total)) * 100}%` } });
    fill(this.share, ["succeeded", "failed", "expired", "canceled", "running"].map(part));
    const ended = counts.total - counts.queued - counts.running;
    this.share.setAttribute("aria-valuenow", Math.floor((ended / Math.max(1, counts.total)) * 100));
    this.share.setAttribute("aria-label", t("batch.progress", { name: this.name.textContent }));
  }

  #showSheet() {
    const count = Math.min(CELL.most, this.batch.counts.succeeded);
    if (!this.sheet.open || !count || this.shownCount === count) return;
    this.shownCount = count;
    const columns = Math.min(CELL.columns, count), rows = Math.ceil(count / columns);
    const size = { width: columns * (CELL.side + CELL.gap) + CELL.gap, height: rows * (CELL.side + CELL.caption + CELL.gap) + CELL.gap };
    const params = { columns, side: CELL.side, limit: count };
    this.sheet.querySelector("img")?.remove();
    this.sheet.append(h("img", { src: href(this.batch.urls.contact_sheet, params), alt: t("batch.sheet-alt", { count }), ...size }));
  }
}

function line({ counts, progress }) {
  const ended = counts.total - counts.queued - counts.running;
  const { rate_per_second: rate, eta_seconds: eta } = progress;
  const perMinute = rate >= 1 ? t("batch.rate", { rate: number(rate, { maximumFractionDigits: 1 }) })
    : t("batch.rate-minute", { rate: number((rate ?? 0) * 60, { maximumFractionDigits: 1 }) });
  return [
    t("batch.done", { done: ended, total: counts.total }),
    counts.running ? t("batch.running", { count: counts.running }) : "",
    counts.failed + counts.expired ? t("batch.failed", { count: counts.failed + counts.expired }) : "",
    rate ? perMinute : "",
    eta !== null && counts.queued + counts.running ? t("queue.left", { time: seconds(eta) }) : "",
  ].filter(Boolean).join(" · ");
}

function whyText(batch) {
  if (batch.status === "paused") return pauseText(batch);
  return batch.queue && batch.queue.reason !== "workers_busy" ? reasonText(batch.queue) : "";
}

function pauseText({ stopped_by: by, pause }) {
  if (by === "sample") return t("batch.sample-made");
  if (by === "stop_when") return t("batch.stopped");
  const who = pause?.by && pause.by !== "anonymous" ? t("pause.by", { name: pause.by }) : "";
  const until = pause?.until ? t("queue.until", { time: when(pause.until) }) : "";
  return [t("batch.paused"), pause?.reason && `“${pause.reason}”`, who, until].filter(Boolean).join(" ");
}

/** Jobs that failed with one code: how many, what to do, one of them. */
function failure({ code, count, hint, retryable, example }) {
  return h("li", { data: { code } }, h("strong", { class: "num" }, number(count)), " ", h("code", {}, code), " ",
    hintText({ code, hint }), " ", retryable && h("span", { class: "tag" }, t("failure.retryable")), " ", h("a", { href: `#/gallery/job/${example}` }, t("failure.example")));
}
