"""Bodies of requests as JSON. What JSON cannot hold is told by its place, before anything is sent."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from atelier.client.errors import InvalidValue

WHOLE = "the request"  # what a fault is of where it has no place


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
