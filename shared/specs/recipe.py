"""Recipes: how a picture was made, as text that rides in it; and settings put under those of a request.

A recipe says how, and not of what: neither content nor mask, nobody's metadata, no address, no webhook. Jobs
that make equal pixels have equal recipes, so that files of equal pixels stay equal.
"""

import json
from collections.abc import Mapping
from typing import Any

from shared.cards.parts import name_of
from shared.specs.base import JobSpec

FORMAT = 1  # of recipes that this program writes, and the newest that it reads
MARK = "atelier"  # the member of a recipe that has its format, and says that it is one
MAX_RECIPE_BYTES = 16 * 1024  # of one that is written into a picture, and of one that is read
# What says nothing of how the pixels came to be, or says whose they are.
APART = frozenset(
    {"content", "mask", "lane", "ttl_seconds", "deadline_seconds", "not_before"}
    | {"cache", "webhook", "metadata", "recipe"}
)
# What a field puts aside that the settings below have: of each group one way alone may be given.
_OTHER_LATENTS = frozenset({"seed", "count", "seeds", "latents", "interpolate"})
_PUTS_ASIDE: Mapping[str, frozenset[str]] = {
    "seed": _OTHER_LATENTS - {"count"},
    "count": _OTHER_LATENTS - {"seed"},
    "seeds": _OTHER_LATENTS,
    "latents": _OTHER_LATENTS | {"digit", "digits", "truncation"},
    "interpolate": _OTHER_LATENTS,
    "digit": frozenset({"digits", "latents"}),
    "digits": frozenset({"digit", "latents"}),
    "grid": frozenset({"animation"}),
    "animation": frozenset({"grid"}),
}
_WHOLE = frozenset({"interpolate", "metadata", "webhook"})  # parts that are replaced, and not filled in


def recipe_text(spec: JobSpec, version: str) -> str | None:
    """Return the recipe of a resolved job as compact JSON in ASCII, without `<`, `>` and `&`.

    `version` is that of the model that made the picture. None where it would be larger than a picture holds.
    """
    fields = spec.model_dump(mode="json", exclude_defaults=True, exclude={*APART, "model"})
    fields.get("output", {}).pop("recipe", None)  # that it is there is said by its being there
    for style in fields.get("styles", ()):
        if style.get("image") is not None:
            style.pop("name", None)  # the picture counts, and its owner's name for it is nobody else's
    given = {name: value for name, value in fields.items() if value != {}}
    text = json.dumps(
        {MARK: FORMAT, "type": spec.type, "model": f"{name_of(spec.model or '')}@{version}", **given},
        separators=(",", ":"),
    )
    for sign in "<>&":  # so that it stands in XML as it is
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text if len(text) <= MAX_RECIPE_BYTES else None


def merged(below: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a request over settings; parts with members of their own are filled in.

    What a field of the request contradicts is left out: seeds beside latents, a sheet beside an animation.
    """
    aside = {name for field in over for name in _PUTS_ASIDE.get(field, ())}
    kept = {name: value for name, value in below.items() if name not in aside}
    return kept | {name: _over(kept.get(name), value, name) for name, value in over.items()}


def _over(below: Any, value: Any, name: str) -> Any:
    if name in _WHOLE or not isinstance(below, Mapping) or not isinstance(value, Mapping):
        return value
    return {**below, **value}
