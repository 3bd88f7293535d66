// The words of the page, in the first of the browser's languages that it has.

const LANGUAGES = ["en", "ko"];
let words = {};
let rest = null; // the words of what comes after a click, once they were asked for

export let language = "en";

/** Read the words; before this, `t` returns keys. */
export async function loadWords() {
  language = chosen(navigator.languages ?? []);
  document.documentElement.lang = language;
  words = await read(language);
}

const read = async (name) => (await fetch(new URL(`../words/${name}.json`, import.meta.url))).json();

/** Return a module that comes after a click, with the words that such modules have for themselves. */
export async function late(module) {
  rest ??= read(`${language}-late`).then((more) => Object.assign(words, more), (error) => ((rest = null), Promise.reject(error)));
  return (await Promise.all([module, rest]))[0];
}

function chosen(wanted) {
  for (const tag of wanted) {
    const found = LANGUAGES.find((known) => tag.toLowerCase().split("-")[0] === known);
    if (found) return found;
  }
  return "en";
}

/** Return a text by its key, with the values in the place of {name}. Where the text has forms for one and
 * other, `count` chooses. */
export function t(key, values = {}) {
  const text = words[key];
  if (text === undefined) return key;
  if (text[0] === "=") return t(text.slice(1), values); // the same as another one
  const form = typeof text === "string" ? text : values.count === 1 ? text.one : text.other;
  return form.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? shown(values[name]) : whole));
}

/** Whether there is a text under a key. */
export const has = (key) => key in words;

const shown = (value) => (typeof value === "number" ? number(value) : value);

/** Return a number as the language writes it. */
export const number = (value, options) => new Intl.NumberFormat(language, options).format(value);

/** Return an amount of bytes in words. */
export function bytes(value) {
  const step = value < 1e3 ? 0 : Math.min(4, Math.floor(Math.log10(value) / 3));
  const unit = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"][step];
  const options = { style: "unit", unit, maximumFractionDigits: step > 1 ? 1 : 0 };
  return number(value / 1000 ** step, options);
}

/** Return a span of time in words, as coarse as it is long. */
export function seconds(value) {
  const [amount, unit] =
    value < 100 ? [value, "second"] : value < 5400 ? [value / 60, "minute"] : [value / 3600, "hour"];
  const digits = amount < 10 && unit !== "minute" ? 1 : 0;
  return number(amount, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits });
}

/** Return a time of the API as the language writes dates. */
export const when = (text) =>
  new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(text));
