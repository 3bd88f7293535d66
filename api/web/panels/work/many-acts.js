// A bulk action of the service: begun after a question, and followed to its end.

import { api, delay, notify, t } from "../../base.js";
import { confirm } from "../../parts/dialog.js";

const LOOK_MILLISECONDS = 700;

/** Count the jobs that a filter admits, ask, and begin; returns the action, null where it is not begun. `states` are
 * those with which the deed can be done. */
export async function begin(deed, filter, states) {
  const body = { do: deed, filter: { ...filter, items: false } };
  const { matched: count } = await over(await api.create("v1/actions", { ...body, dry_run: true }));
  if (!count) return void notify(t("many.none"));
  const { status, type } = filter;
  const which = { status: (status ? [status] : states).map((each) => t(`status.${each}`)).join(", "), type: t(type ? `type.${type}` : "list.all") };
  const text = deed === "delete" ? `${t("many.which", which)} ${t("many.delete-text")}` : t("many.which", which);
  return (await confirm(t(`many.${deed}-title`, { count }), text, t(`many.${deed}`))) ? api.create("v1/actions", body) : null;
}

/** Return an action once it is over; `told` is called with it meanwhile. */
export async function over(action, told = () => {}) {
  let now = action;
  for (; !now.done; now = await api.get(`v1/actions/${action.id}`, {}, { patience: 120 })) {
    told(now);
    await delay(LOOK_MILLISECONDS);
  }
  return now;
}
