"""Typed requests for jobs. The service checks values; these only give names and types to what it takes.

Every parameter is here twice, as a field of a request and as a keyword of the client's method; a test
compares the two with each other and with what the API takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, ClassVar, TypedDict

from atelier.client.request_parts import (
    Animation,
    Encoding,
    Grid,
    Interpolation,
    Lane,
    Latents,
    Optimization,
    PictureName,
    Precision,
    Seeds,
    Stroke,
    Style,
    Upsample,
    Upscale,
    Webhook,
    to_plain,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    type: ClassVar[str]

    model: str | None = None  # None takes the default of the type
    recipe: str | None = None  # settings that the service keeps under this name: "print-a3", "print-a3@2"
    output: Encoding = field(default_factory=Encoding)
    lane: Lane = "interactive"
    ttl_seconds: int | None = None  # the job is kept this long when done
    deadline_seconds: int | None = None  # it expires, queued or running, when not done by then
    not_before: datetime | None = None  # it does not start earlier; with a zone
    cache: bool = False  # take the result of an equal job that has `cache` too
    webhook: Webhook | None = None  # gets POSTs about it
    metadata: Mapping[str, str] = field(default_factory=dict)  # comes back with the job

    def to_json(self) -> dict[str, Any]:
        """Return the body of the request, without what has its default of nothing."""
        members = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        side = members.pop("max_side", None)
        if self.recipe and self.output == Encoding():
            del members["output"]  # a default would go over the recipe's
        members |= {"size": None if side is None else {"max_side": side}}
        given = {name: to_plain(value) for name, value in members.items() if not _is_nothing(value)}
        return {"type": self.type, **given}


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateRequest(_Request):
    """Pictures from a generator: of `seeds`, `count` seeds from `seed` on, `latents`, or `interpolate`."""

    type = "generate"

    seed: int | None = None  # drawn by the service where none is given
    count: int | None = None
    seeds: Seeds | None = None
    latents: Latents | None = None
    interpolate: Interpolation | None = None
    digit: int | None = None  # the class; None draws it from the seed
    digits: str | None = None  # to write out: each seed gives one picture of all of them
    truncation: float | None = None
    grid: Grid | None = None
    animation: Animation | None = None  # needs output format gif or webp
    upscale: Upscale | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StylizeRequest(_Request):
    """The content image, painted in the manner of the styles. An animation gives an animation."""

    type = "stylize"

    content: PictureName
    styles: Sequence[Style]  # none: those of the recipe
    strength: float | None = None  # 0 gives back the content, 1 the full style
    max_side: int | None = None  # pixels; None keeps the content's size
    preserve_color: bool = False  # paint in the content's own colors
    stroke: Stroke | None = None  # longest side at which the network works; None takes the model's own
    upsample: Upsample | None = None  # how a smaller painting gets the result's size; None: guided
    mask: PictureName | None = None  # white is painted, black stays
    steadiness: float | None = None  # of animations, 0..1: how much each frame keeps of the last
    # "fast" takes bfloat16 numbers where the worker has them; None: as the service is set
    precision: Precision | None = None
    optimize: Optimization | None = None  # for models that optimize


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformRequest(_Request):
    """The content image, through a network from picture to picture."""

    type = "transform"

    content: PictureName
    max_side: int | None = None  # pixels; None keeps the content's size


class _SharedOptions(TypedDict, total=False):
    model: str | None
    recipe: str | None
    output: Encoding
    lane: Lane
    ttl_seconds: int | None
    deadline_seconds: int | None
    not_before: datetime | None
    cache: bool
    webhook: Webhook | None
    metadata: Mapping[str, str]


class GenerateOptions(_SharedOptions, total=False):
    """The keywords of `Client.generate`: every field of GenerateRequest."""

    seed: int | None
    count: int | None
    seeds: Seeds | None
    latents: Latents | None
    interpolate: Interpolation | None
    digit: int | None
    digits: str | None
    truncation: float | None
    grid: Grid | None
    animation: Animation | None
    upscale: Upscale | None


class StylizeOptions(_SharedOptions, total=False):
    """The keywords of `Client.stylize`: every field of StylizeRequest that names no picture."""

    strength: float | None
    max_side: int | None
    preserve_color: bool
    stroke: Stroke | None
    upsample: Upsample | None
    steadiness: float | None
    precision: Precision | None
    optimize: Optimization | None


class TransformOptions(_SharedOptions, total=False):
    """The keywords of `Client.transform`: every field of TransformRequest that names no picture."""

    max_side: int | None


Request = GenerateRequest | StylizeRequest | TransformRequest


def _is_nothing(value: object) -> bool:
    return value is None or value is False or (isinstance(value, Mapping | tuple | list) and not value)
