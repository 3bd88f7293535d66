// The recipe that rides in a picture: how it was made, as JSON in the file.

const MOST_READ = 4; // files at once: of a folder of photos, none is searched
const MARK = /atelier:recipe(?:\0{5}|>)(?=\{)/;
const TAKEN = ["type", "model", "styles", "strength", "stroke", "preserve_color", "steadiness", "optimize", "size", "output", "precision", "upsample"];
const FILE = /^file_[0-9a-f]{64}$/;

/** Return the first of a few pictures that carries settings, and these: { file, settings }; null where none does. What is in it a stranger may
 * have written: it names no address, and nobody who is told. */
export async function carried(files) {
  if (files.length > MOST_READ) return null;
  for (const file of files) {
    const settings = settingsIn(await file.text());
    if (settings) return { file, settings };
  }
  return null;
}

function settingsIn(text) {
  const found = MARK.exec(text);
  if (!found) return null;
  try {
    return checked(JSON.parse(unescaped(object(text.slice(found.index + found[0].length, found.index + 65_536)))));
  } catch {
    return null; // it is damaged: the service would say so, but the picture is a photo all the same
  }
}

/** Return the text of the JSON object at the start; no string of a recipe has braces. */
function object(text) {
  let depth = 0;
  const end = [...text].findIndex((letter) => (depth += letter === "{" ? 1 : letter === "}" ? -1 : 0) === 0);
  return [...text].slice(0, end + 1).join("");
}

const unescaped = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");

function checked(recipe) {
  if (recipe.atelier !== 1 || !["stylize", "transform"].includes(recipe.type)) return null;
  const settings = Object.fromEntries(TAKEN.filter((name) => name in recipe).map((name) => [name, recipe[name]]));
  const isFile = ({ image }) => image === undefined || FILE.test(image);
  if (settings.styles?.some((style) => !isFile(style))) return null;
  if (recipe.type === "stylize") settings.precision ??= "exact"; // as its picture was made, whatever is usual here
  return { ...settings, model: settings.model.split("@")[0] };
}
