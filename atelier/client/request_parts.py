"""The parts that typed requests are made of, and the JSON of a request.

The service checks values; these give names and types. What JSON does not have is refused before it is sent.
"""

import importlib
import json
import math
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, Protocol

from atelier.client.errors import InvalidValue
from atelier.client.job import Job
from atelier.client.places.request import PlaceDestination, PlaceSource

WHOLE = "the request"  # what a fault is of where it has no place

Lane = Literal["interactive", "bulk"]
QueueEnd = Literal["front", "back"]  # of the queue that an owner has in a lane
Format = Literal["png", "jpeg", "webp", "gif"]
Precision = Literal["exact", "fast"]
Stroke = int | Literal["native"]  # pixels, or the content's own size
Upsample = Literal["guided", "network"]  # smoothly, or by the model enlarge-x4
JobEvent = Literal["job.started", "job.succeeded", "job.failed", "job.canceled", "job.expired"]
ActionEvent = Literal["action.completed", "action.canceled"]
BatchEvent = Literal["batch.completed", "batch.failed", "batch.canceled", "batch.paused"]
NoticeTemplate = Literal["ntfy", "discord", "slack", "mail"]


_OPEN_TELEMETRY = "opentelemetry.trace"
_TRACE = ("traceparent", "tracestate")


def set_trace(headers: MutableMapping[str, str], *, is_own: bool) -> None:
    """Add the caller's trace to a request that names none, where the caller uses OpenTelemetry.

    A request to somebody else, such as one to which a redirect leads, has none.
    """
    if not is_own:
        for name in _TRACE:
            headers.pop(name, None)
    elif _OPEN_TELEMETRY in sys.modules and _TRACE[0] not in headers:
        module = importlib.import_module(f"{_OPEN_TELEMETRY}.propagation.tracecontext")
        module.TraceContextTextMapPropagator().inject(headers)


class Array(Protocol):
    """An array of NumPy, or of a library that turns its arrays into lists in the same way."""

    def tolist(self) -> Any:
        """Return the values as nested lists."""


PictureName = (
    str | Job
)  # a file's id, an address, job:ID/NUMBER; a job stands for its first output, done or not
Seeds = Sequence[int] | Array
Latents = Sequence[Sequence[float] | Array] | Array  # vectors of the length that the model takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How pictures are encoded."""

    format: Format = "png"  # gif is for animations alone
    quality: int = 90  # 1..100, for jpeg and webp
    profile: Literal["srgb", "keep"] | None = None  # colors: sRGB, or the content's own; None: sRGB
    metadata: Literal["none", "safe", "all"] | None = None  # taken over from the content; None: none
    recipe: bool | None = None  # the picture holds how it was made; None: as the service is set
    enlarge: Literal[2, 3, 4] | None = None  # makes each finished picture so many times as large


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

    image: str | None = None  # a file's id, an address, or a job's output, `job.as_input()`
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
    """An address that gets signed POSTs about a job, or with a template is written to as people read it."""

    url: str
    template: NoticeTemplate | None = None  # None: events as JSON, for a program
    events: Sequence[JobEvent] | None = None  # None: every way to end
    body: Literal["event", "prediction"] | None = None  # what is sent; None: an event with the job


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWebhook:
    """An address that gets a signed POST when a batch is done, or with a template a notice for people."""

    url: str
    template: NoticeTemplate | None = None  # None: events as JSON, for a program
    events: Sequence[BatchEvent] | None = None  # None: every way to end


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionWebhook:
    """An address that gets a signed POST when a bulk action is over, with its counts."""

    url: str
    template: NoticeTemplate | None = None  # None: events as JSON, for a program
    events: Sequence[ActionEvent] | None = None  # None: completed and canceled


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWhen:
    """When a batch pauses by itself: so many items, or such a share of those done, failed or expired."""

    failed: int | None = None
    share: float | None = None  # 0..1
    after: int = 10  # items that are done before `share` counts


Part = (
    Encoding
    | Grid
    | Animation
    | Upscale
    | Interpolation
    | Style
    | Optimization
    | Webhook
    | BatchWebhook
    | ActionWebhook
    | StopWhen
    | PlaceSource
    | PlaceDestination
)


def to_plain(value: Any) -> Any:
    """Return a value as JSON has it: parts as objects without what is None, arrays and times too."""
    if isinstance(value, Part):
        members = ((entry.name, getattr(value, entry.name)) for entry in fields(value))
        return {name: to_plain(inner) for name, inner in members if inner is not None}
    if isinstance(value, Job):
        return value.as_input()
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "tolist"):  # of NumPy, which the client does not need to know
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: to_plain(inner) for name, inner in value.items()}
    return value


def json_bytes(body: Any, place: str = "") -> bytes:
    """Return a body as JSON; raise InvalidValue, with the place of the fault, where it cannot be written.

    `place` is that of the body in what the caller gave.
    """
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    except RecursionError as error:
        raise InvalidValue(f"{place or WHOLE} is nested too deeply for JSON") from error
    except (TypeError, ValueError) as error:
        if "Circular" in str(error):
            raise InvalidValue(f"{place or WHOLE} holds itself, which JSON cannot say") from error
        reason = next(_faults(body, place), f"{place or WHOLE} cannot be written as JSON: {error}")
        raise InvalidValue(reason) from error


def _faults(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{place or WHOLE} is {value}, and must be a finite number"
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _faults(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _faults(inner, f"{place}.{number}" if place else str(number))
    elif not isinstance(value, str | int | float | None):
        yield f"{place or WHOLE} is of type {type(value).__name__}, which JSON does not have"


def check_seconds(seconds: float | None, name: str) -> None:
    """Raise InvalidValue where a duration is not a number."""
    if seconds is not None and math.isnan(seconds):
        raise InvalidValue(f"{name} is {seconds}, and must be a number of seconds")


def move_body(to: QueueEnd | None, lane: Lane | None) -> dict[str, str]:
    """Return the body of a request that moves a waiting job or batch."""
    return {name: value for name, value in (("to", to), ("lane", lane)) if value is not None}
