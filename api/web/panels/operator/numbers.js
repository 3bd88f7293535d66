// The numbers of the queue: plots of the last minutes, and tables by lane, model and owner.

import { fill, h, number, seconds, t } from "../../base.js";
import { Plot } from "./plot.js";

export class Numbers {
  constructor() {
    this.plots = Object.fromEntries(["waiting", "running", "succeeded", "failed"].map((name) => [name, new Plot(t(`operator.${name}`))]));
    this.line = h("p", { class: "num" });
    this.tables = h("div", { class: "stack" });
    this.element = h("div", { class: "stack" }, h("div", { class: "figures" }, Object.values(this.plots).map((plot) => plot.element)), this.line, this.tables);
  }

  show({ stats }) {
    const { total, workers } = stats;
    this.plots.waiting.add(total.waiting);
    this.plots.running.add(total.running);
    this.plots.succeeded.add(total.ended_a_minute.succeeded);
    this.plots.failed.add(total.ended_a_minute.failed + total.ended_a_minute.expired);
    fill(this.line, line(workers, stats));
    fill(this.tables, shares(t("operator.lane"), stats.lanes.map((each) => [t(`lane.${each.lane}`), each])),
      stats.models.length ? shares(t("operator.model"), stats.models.map((each) => [each.model, each])) : null,
      stats.owners.length > 1 ? shares(t("operator.owner"), stats.owners.map((each) => [each.owner, each])) : null);
  }
}

function line(workers, stats) {
  const parts = [t("operator.live", { count: workers.live, slots: workers.slots })];
  if (workers.wanted !== null) parts.push(t("operator.wanted", { count: workers.wanted }));
  if (stats.delayed) parts.push(t("operator.delayed", { count: stats.delayed }));
  return parts.join(" · ");
}

function shares(name, rows) {
  const heads = ["waiting", "running", "oldest", "succeeded", "failed", "work"];
  return table([name, ...heads.map((head) => t(`operator.${head}`))], rows.map(([label, share]) => [
    label, number(share.waiting), number(share.running), share.oldest_seconds === null ? "–" : seconds(share.oldest_seconds),
    number(share.ended_a_minute.succeeded, { maximumFractionDigits: 1 }),
    number(share.ended_a_minute.failed + share.ended_a_minute.expired, { maximumFractionDigits: 1 }),
    share.work_seconds === null ? "–" : seconds(share.work_seconds),
  ]));
}

/** Return a table that scrolls by itself where it is too wide; the first cell of each row is its head. */
export function table(heads, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": heads[0] }, h("table", { class: "num" },
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, rows.map(([head, ...cells]) => h("tr", {}, h("th", { scope: "row" }, head), cells.map((cell) => h("td", {}, cell)))))));
}
