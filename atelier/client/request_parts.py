"""The parts that typed requests are made of. The service checks values; these give names and types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol

Lane = Literal["interactive", "bulk"]
Format = Literal["png", "jpeg", "webp", "gif"]
Stroke = int | Literal["native"]  # pixels, or the content's own size
JobEvent = Literal["job.started", "job.succeeded", "job.failed", "job.canceled", "job.expired"]
BatchEvent = Literal["batch.completed", "batch.canceled"]


class Array(Protocol):
    """An array of NumPy, or of a library that turns its arrays into lists in the same way."""

    def tolist(self) -> Any:
        """Return the values as nested lists."""


Seeds = Sequence[int] | Array
Latents = Sequence[Sequence[float] | Array] | Array  # vectors of the length that the model takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How pictures are encoded."""

    format: Format = "png"  # gif is for animations alone
    quality: int = 90  # 1..100, for jpeg and webp


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Put all pictures of a job into one, row by row."""

    columns: int = 8
    gap: int = 2  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Animation:
    """Put all pictures of a job into one animated file, gif or webp."""

    frame_milliseconds: int = 80
    loop: bool = True  # for ever, or once


@dataclass(frozen=True, slots=True, kw_only=True)
class Upscale:
    """Enlarge each picture by a whole factor."""

    factor: int = 1
    filter: Literal["nearest", "lanczos"] = "nearest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpolation:
    """A walk through the latent space, from seed to seed or from vector to vector."""

    seeds: Seeds | None = None
    latents: Latents | None = None
    steps: int = 16  # pictures from one point to the next, both included


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A style and its share among the styles of a job: an image, a stored name, or a built-in number."""

    image: str | None = None  # a file's id
    name: str | None = None  # of a stored style
    number: int | None = None  # of a built-in style
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimization:
    """How a model works that paints by optimization; other models do not take it."""

    steps: int = 200
    style_weight: float = 1.0
    content_weight: float = 1.0
    variation_weight: float = 1.0  # of the total variation: smoothness
    optimizer: Literal["adam", "lbfgs"] = "adam"
    preview_every: int = 0  # steps; 0: no previews


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is told how a job goes, by signed POSTs."""

    url: str
    events: Sequence[JobEvent] | None = None  # None: every way to end


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWebhook:
    """An address that is told when a batch is done, by signed POSTs."""

    url: str
    events: Sequence[BatchEvent] | None = None  # None: every way to end


Part = Encoding | Grid | Animation | Upscale | Interpolation | Style | Optimization | Webhook | BatchWebhook


def to_plain(value: Any) -> Any:
    """Return a value as JSON has it: parts as objects without what was not given, arrays as lists."""
    if isinstance(value, Part):
        members = ((entry.name, getattr(value, entry.name)) for entry in fields(value))
        return {name: to_plain(inner) for name, inner in members if inner is not None}
    if hasattr(value, "tolist"):  # of NumPy, which the client does not need to know
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: to_plain(inner) for name, inner in value.items()}
    return value
