// Fields of a painting that not every service knows: shown where the schema of its model has them.

import { api, t } from "../../base.js";
import { field, select } from "../../parts/fields.js";

const WAYS = { precision: ["exact", "fast"], upsample: ["guided", "network"] };

/** Return the selects that a model's input has, each in a labeled field: [select, field]. */
export async function waysOf(model) {
  const { input_schema: schema } = await api.get(`v1/models/${model}`);
  const known = Object.entries(WAYS).filter(([name]) => name in schema.properties);
  return known.map(([name, values]) => {
    const control = select(name, [["", t("way.usual")], ...values.map((value) => [value, t(`way.${name}-${value}`)])]);
    return [control, field(t(`way.${name}`), control)];
  });
}
