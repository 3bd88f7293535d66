"""Names of results at a destination: a template and what stands for its fields. None leaves its folder."""

import re
from collections.abc import Mapping
from string import Formatter

NAME_FIELDS = {
    "stem": "the source's name without its ending, else the custom id",
    "path": "the source's folder below the prefix, with its slash; empty for none",
    "style": "the style's label, name or number",
    "custom_id": "the item's",
    "index": "the item's, in five digits",
    "output": "the number of the picture among the job's",
    "seed": "the picture's, else nothing",
    "batch": "the batch's id",
    "ext": "png, jpg, webp or gif",
}
MAX_KEY_BYTES = 900  # object stores take 1,024, with the place's own prefix
MAX_PART_BYTES = 230  # file systems take 255, with a number before it
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\/:*?\"<>|]")


def fault_of_template(template: str) -> str:
    """Return why a text is no template of names; "" for one that is."""
    known = ", ".join(NAME_FIELDS)
    try:
        parts = list(Formatter().parse(template))
    except ValueError:
        return f"has a brace without its pair; fields are written as {{stem}}: {known}"
    for text, field, form, conversion in parts:
        if field is not None and (field not in NAME_FIELDS or form or conversion):
            return f"has the field {{{field[:40]}}}, which is not known; known are {known}"
        if re.search(r"[\x00-\x1f\x7f\\]", text):
            return "has a character that no name may have"
    if not template.endswith(".{ext}"):
        return "must end with .{ext}"
    folders = template.split("/")
    if not all(folders) or any(part.startswith(".") for part in folders):
        return "must have no empty part, and none that begins with a dot"
    return ""


def key_of(template: str, prefix: str, values: Mapping[str, str], *, of: int = 1) -> str:
    """Return the key of a result: `prefix`, and the template with its values, each made safe.

    One of several outputs of a job that are not told apart by the template has its number before the ending.
    """
    safe = {name: _safe_path(text) if name == "path" else _safe(text) for name, text in values.items()}
    counted = of > 1 and "{output}" not in template
    stem = template.removesuffix(".{ext}").format_map(safe) + (f"~{safe['output']}" if counted else "")
    parts = [part for part in stem.split("/") if part]
    *folders, last = parts or ["_"]
    whole = [*(_short(part) for part in folders), f"{_short(last)}.{safe['ext']}"]
    key = prefix + "/".join(whole)
    if len(key.encode()) > MAX_KEY_BYTES:
        key = prefix + f"{safe['index']}~{_short(last)}.{safe['ext']}"
    return key


def apart(key: str, index: int) -> str:
    """Return the key of an item whose name is taken by other bytes: its index comes first."""
    folder, slash, name = key.rpartition("/")
    return f"{folder}{slash}{index}~{name}"


def stem_of(name: str) -> str:
    """Return the last part of a name without its ending."""
    last = name.rpartition("/")[2]
    return last.rpartition(".")[0] or last


def _safe(text: str) -> str:
    clean = _UNSAFE.sub("_", text).strip(" ")
    return f"_{clean[1:]}" if clean.startswith(".") else clean


def _safe_path(text: str) -> str:
    folders = [_safe(part) for part in text.split("/") if part]
    return "".join(f"{part}/" for part in folders if part)


def _short(part: str) -> str:
    """Return a part of a key that is not too long, not empty and no way up."""
    cut = part.encode()[:MAX_PART_BYTES].decode(errors="ignore").rstrip(" .") or "_"
    return f"_{cut[1:]}" if cut.startswith(".") else cut
