"""The fields of each form: its place in the specification, and how its text is read."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from api.requests.json_text import decode_json

ABSENT = object()  # read from a field that means the same as leaving it out

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NO = frozenset({"false", "off", "no", "0"})
_YES = frozenset({"true", "on", "yes", "1"})


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of text."""

    path: tuple[str, ...]  # its place in the specification
    read: Callable[[str], Any] = str  # what cannot be read stays text, for the specification to refuse
    repeats: bool = False  # may be given several times; `read` then gives a list


Table = Mapping[str, FormField]


def given(texts: Iterable[str]) -> list[str]:
    """Return the texts without those that an HTML form sends for fields left empty."""
    return [text for text in texts if text.strip()]


def whole(text: str) -> int | str:
    """Return the whole number that a text spells, else the text."""
    return int(text) if _INTEGER.fullmatch(text.strip()) else text


def _whole_numbers(text: str) -> list[int | str]:
    return [whole(part.strip()) for part in text.split(",")]


def _words(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def real(text: str) -> float | str:
    """Return the number that a text spells, else the text."""
    try:
        return text if "_" in text else float(text)
    except ValueError:
        return text


def flag(text: str) -> bool | str:
    """Return yes or no, which a text says, else the text."""
    word = text.strip().lower()
    return word in _YES if word in _YES | _NO else text


def _presence(text: str) -> Any:
    """Read "give this part of the specification, with its defaults", as yes or no."""
    given = flag(text)
    return {} if given is True else ABSENT if given is False else text


COMMON: Table = {
    "model": FormField(("model",)),
    "recipe": FormField(("recipe",)),
    "lane": FormField(("lane",)),
    "ttl_seconds": FormField(("ttl_seconds",), whole),
    "deadline_seconds": FormField(("deadline_seconds",), whole),
    "not_before": FormField(("not_before",)),
    "cache": FormField(("cache",), flag),
    "webhook": FormField(("webhook", "url")),
    "webhook_template": FormField(("webhook", "template")),
    "webhook_body": FormField(("webhook", "body")),
    "webhook_events": FormField(("webhook", "events"), _words, repeats=True),
    "metadata": FormField(("metadata",), decode_json),
    "format": FormField(("output", "format")),
    "quality": FormField(("output", "quality"), whole),
    "write_recipe": FormField(("output", "recipe"), flag),
    "profile": FormField(("output", "profile")),
    "output_metadata": FormField(("output", "metadata")),
    "enlarge": FormField(("output", "enlarge"), whole),
}
GENERATE: Table = {
    "seed": FormField(("seed",), whole),
    "count": FormField(("count",), whole),
    "seeds": FormField(("seeds",), _whole_numbers, repeats=True),
    "latents": FormField(("latents",), decode_json),
    "digit": FormField(("digit",), whole),
    "digits": FormField(("digits",)),
    "truncation": FormField(("truncation",), real),
    "interpolate_seeds": FormField(("interpolate", "seeds"), _whole_numbers, repeats=True),
    "interpolate_latents": FormField(("interpolate", "latents"), decode_json),
    "steps": FormField(("interpolate", "steps"), whole),
    "columns": FormField(("grid", "columns"), whole),
    "gap": FormField(("grid", "gap"), whole),
    "animation": FormField(("animation",), _presence),
    "frame_milliseconds": FormField(("animation", "frame_milliseconds"), whole),
    "loop": FormField(("animation", "loop"), flag),
    "upscale": FormField(("upscale", "factor"), whole),
    "filter": FormField(("upscale", "filter")),
    **COMMON,
}
STYLIZE: Table = {
    "strength": FormField(("strength",), real),
    "preserve_color": FormField(("preserve_color",), flag),
    "stroke": FormField(("stroke",), whole),
    "precision": FormField(("precision",)),
    "upsample": FormField(("upsample",)),
    "max_side": FormField(("size", "max_side"), whole),
    "steadiness": FormField(("steadiness",), real),
    "steps": FormField(("optimize", "steps"), whole),
    "style_weight": FormField(("optimize", "style_weight"), real),
    "content_weight": FormField(("optimize", "content_weight"), real),
    "variation_weight": FormField(("optimize", "variation_weight"), real),
    "optimizer": FormField(("optimize", "optimizer")),
    "preview_every": FormField(("optimize", "preview_every"), whole),
    **COMMON,
}
TRANSFORM: Table = {"max_side": FormField(("size", "max_side"), whole), **COMMON}
