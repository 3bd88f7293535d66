// When a pause ends: a field of forms.

import { t } from "../base.js";
import { field, select } from "./fields.js";

/** Return the field that asks when a pause ends. */
export function endField() {
  const spans = [["", t("pause.open")], ["900", t("pause.minutes")], ["3600", t("pause.hour")], ["28800", t("pause.hours")], ["86400", t("pause.day")]];
  return field(t("pause.end"), select("for_seconds", spans));
}

/** Return what the service takes of that field. */
export const endOf = (form) => (form.for_seconds ? { for_seconds: Number(form.for_seconds) } : {});
