"""What a batch says of places: where its pictures come from, and where its results go."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from shared.place_settings import PLACE_NAME
from shared.places.names import NAME_FIELDS, fault_of_template
from shared.specs.parts import Part

MAX_PREFIX = 512  # characters
MAX_MATCH = 200
DEFAULT_NAME = "{custom_id}.{ext}"
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")


def _folder(text: str) -> str:
    """Return a prefix as a folder: empty, or with a slash at its end."""
    folder = text.strip("/")
    parts = folder.split("/")
    if text.startswith("/") or _CONTROL.search(text) or (folder and not all(parts)):
        raise ValueError('must be a folder within the place, such as "2026/january/"')
    if any(part.startswith(".") for part in parts):
        raise ValueError("must have no part that begins with a dot")
    return f"{folder}/" if folder else ""


def _as_text(value: Any) -> Any:
    return "" if value is None else value


def _is_name(template: str) -> str:
    fault = fault_of_template(template)
    if fault:
        raise ValueError(fault)
    return template


PlaceName = Annotated[
    str, Field(pattern=f"^{PLACE_NAME}$", description="A name that `GET /v1/places` lists.")
]
Prefix = Annotated[
    str,
    BeforeValidator(_as_text),
    AfterValidator(_folder),
    Field(default="", max_length=MAX_PREFIX, description="A folder within the place; empty: all of it."),
]


class Source(Part):
    """Pictures of a place, each of which the template makes items of."""

    place: PlaceName
    prefix: Prefix = ""
    match: str = Field(
        default="*",
        min_length=1,
        max_length=MAX_MATCH,
        description="Which names below the prefix are taken: `*` is any text, slashes too, `?` one "
        "character; large and small letters are the same. Names with a part that begins with a dot are "
        "never taken.",
    )


class Destination(Part):
    """Where results are put, beside being kept."""

    place: PlaceName
    prefix: Prefix = ""
    name: Annotated[str, AfterValidator(_is_name)] = Field(
        default=DEFAULT_NAME,
        min_length=1,
        max_length=MAX_MATCH,
        description="How each result is called below the prefix; in braces: "
        + ", ".join(f"`{name}` {text}" for name, text in NAME_FIELDS.items())
        + ".",
    )
