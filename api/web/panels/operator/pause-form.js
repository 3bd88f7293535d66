// What a new pause is asked for: what of, why, until when.

import { api, h, t } from "../../base.js";
import { askForm } from "../../parts/dialog.js";
import { field, select } from "../../parts/fields.js";
import { endField, endOf } from "../../parts/pause-end.js";

/** Ask, and make the pause. `models` are pairs of names and titles; `changed` is called once it is there. */
export function askForPause(models, changed) {
  const text = (name, props = {}) => h("input", { name, maxlength: "200", autocomplete: "off", ...props });
  const lanes = [["", t("list.all")], ["interactive", t("lane.interactive")], ["bulk", t("lane.bulk")]];
  const fields = [
    field(t("pause.reason"), text("reason", { required: true }), t("pause.reason-hint")),
    field(t("operator.lane"), select("lane", lanes)),
    field(t("operator.model"), select("model", [["", t("list.all")], ...models])),
    field(t("operator.owner"), text("owner", { placeholder: t("list.all") })),
    endField(),
    field(t("pause.window"), text("window", { placeholder: "01:00-07:00", pattern: "\\d{2}:\\d{2}-\\d{2}:\\d{2}" }), t("pause.window-hint")),
  ];
  askForm(t("pause.new"), fields, t("pause.start"), async (form) => {
    const { lane, model, owner, window, reason } = form;
    const timezone = window && Intl.DateTimeFormat().resolvedOptions().timeZone;
    const given = Object.entries({ lane, model, owner, window, timezone, reason }).filter(([, value]) => value);
    await api.create("v1/pauses", { ...Object.fromEntries(given), ...endOf(form) });
    changed();
  });
}
