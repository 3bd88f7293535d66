"""Types of option values: from the fields of specifications, and readers with clear errors."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

import click
from click.shell_completion import CompletionItem
from pydantic import BaseModel

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.files import read_at_most
from atelier.client.request_parts import NoticeTemplate, Stroke, Style, Webhook
from atelier.commands.options.pictures import Address, sent

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

MOST_JSON_BYTES = 256 * 1024 * 1024  # of a file of vectors: no service takes more


def complete_files(_ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Have the shell complete files for a value that may be one; click does so only for paths."""
    return [CompletionItem(typed, type="file")]


def at_least(part: type[BaseModel], field: str) -> click.IntRange:
    """Return the type of an option that fills a field. Upper bounds are checked by the service."""
    return click.IntRange(min=spec_field(part, field)["minimum"])


def choice(part: type[BaseModel], field: str) -> click.Choice[str]:
    """Return the type of an option that fills a field with one of a few words."""
    return click.Choice(spec_field(part, field)["enum"])


def spec_field(part: type[BaseModel], field: str) -> dict[str, Any]:
    """Return the JSON Schema of a field of a specification, with its minimum, maximum, enum and default.

    Where the field may be null, it is the schema of the other values.
    """
    schema = _schema(part)
    found = schema["properties"][field]
    kinds = [kind for kind in found.get("anyOf", [found]) if kind.get("type") != "null"]
    name = str(kinds[0].get("$ref", "")).rpartition("/")[2]
    return {**found, **kinds[0], **schema.get("$defs", {}).get(name, {})}


@cache
def _schema(part: type[BaseModel]) -> dict[str, Any]:
    return part.model_json_schema()


class Number(click.FloatRange):
    """A finite number, within bounds where there are some."""

    name = "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number; fail where it is none."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


def read_seeds(text: str) -> tuple[int, ...]:
    """Return the numbers of a list separated by commas."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no list of whole numbers, such as 1,2,3") from error


def read_latents(name: str) -> list[list[float]]:
    """Return the vectors of a JSON file, one or a list of them."""
    try:
        vectors = json.loads(read_at_most(Path(name), MOST_JSON_BYTES))
    except OSError as error:
        raise click.BadParameter(f"{name}: {error.strerror}") from error
    except ApiError as error:
        raise click.BadParameter(str(error)) from error
    except ValueError as error:
        raise click.BadParameter(f"{name} is not JSON: {error}") from error
    if _is_vector(vectors):
        return [vectors]
    if not (isinstance(vectors, list) and all(map(_is_vector, vectors))):
        raise click.BadParameter(
            f"{name} holds no vector of numbers, nor a list of them; each must be finite"
        )
    return vectors


def _is_vector(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


def read_stroke(text: str) -> Stroke:
    """Return a side in pixels, or the word for the photo's own size."""
    if text == "native":
        return "native"
    try:
        return int(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is neither a number of pixels nor the word native") from error


def read_webhook(text: str) -> Webhook:
    """Return the webhook of an address; `ntfy+https://...` and `mailto:...` are notices for people."""
    if text.startswith("mailto:"):
        return Webhook(url=text, template="mail")
    template, plus, address = text.partition("+")
    if not plus or template not in get_args(NoticeTemplate):
        return Webhook(url=text)
    return Webhook(url=address, template=template)  # type: ignore[arg-type]  # it is one of them


def weighted_styles(
    client: Client,
    choices: Sequence[Path | Style | Address],
    weights: Sequence[float],
    *,
    dry_run: bool = False,
) -> list[Style]:
    """Upload the files among the styles, and give each style its weight."""
    shares = weights or [1.0] * len(choices)
    known = (c if isinstance(c, Style) else Style(image=sent(client, c, dry_run=dry_run)) for c in choices)
    return [replace(style, weight=share) for style, share in zip(known, shares, strict=True)]
