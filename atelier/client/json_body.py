"""Bodies of requests as JSON. What JSON cannot hold is told by its place, before anything is sent."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from atelier.client.errors import InvalidValue


def json_bytes(body: Any) -> bytes:
    """Return a body as JSON; raise InvalidValue, with the place of the fault, where it cannot be written."""
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    except RecursionError as error:
        raise InvalidValue("the request holds itself, or is nested too deeply for JSON") from error
    except (TypeError, ValueError) as error:
        reason = next(_faults(body, ""), f"the request cannot be written as JSON: {error}")
        raise InvalidValue(reason) from error


def _faults(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{place or 'the request'} is {value}, and must be a finite number"
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _faults(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _faults(inner, f"{place}.{number}" if place else str(number))
    elif not isinstance(value, str | int | float | None):
        yield f"{place or 'the request'} is of type {type(value).__name__}, which JSON does not have"


def check_seconds(seconds: float | None, name: str) -> None:
    """Raise InvalidValue where a duration is not a number."""
    if seconds is not None and math.isnan(seconds):
        raise InvalidValue(f"{name} is {seconds}, and must be a number of seconds")
