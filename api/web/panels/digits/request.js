// The jobs of the panel Digits.

const SOON = { lane: "interactive", ttl_seconds: 600, cache: true, metadata: { from: "page", preview: "yes" } };
const KEPT = { metadata: { from: "page" } };

/** Return a job of pictures that are looked at while somebody chooses, and soon forgotten. */
export const glance = (fields) => job({ ...fields, ...SOON });

/** Return a job whose pictures somebody asked for by a button. */
export const kept = (fields) => job({ ...fields, ...KEPT });

function job({ digit, format = "png", ...rest }) {
  return { type: "generate", ...(digit === null || digit === undefined ? {} : { digit }), ...rest, output: { format } };
}

/** Return random seeds; the service takes whole numbers from 0. */
export const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000;

/** Return the fields of pictures side by side. */
export const sheet = (columns, factor) => ({ grid: { columns, gap: 2 }, upscale: { factor, filter: "nearest" } });
