"""How far a batch is with its places: with reading its source, with putting results at its destination."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.places.request import Destination, Source


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps a transfer back, or ended it before its time."""

    code: str
    detail: str
    retry_at: int | None  # milliseconds since the epoch; None: it is not tried again


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a batch is with its source."""

    source: Source
    status: Literal["listing", "reading", "done", "failed"]
    found: int | None  # pictures, by their names; None until all are listed
    obstacle: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class Delivering:
    """How far a batch is with its destination."""

    destination: Destination
    status: Literal["delivering", "delivered", "delivery_failed"]
    delivered: int  # items whose results are there
    failed: int  # items whose results are not, and will not be
    obstacle: Obstacle | None = None


def reading_of(raw: Mapping[str, str]) -> Reading | None:
    """Return how far a batch is with its source, by the fields of its record; None where it has none."""
    if "source" not in raw:
        return None
    found = int(raw["source_found"]) if "source_found" in raw else None
    obstacle = _obstacle(raw, "source")
    status: Literal["listing", "reading", "done", "failed"] = "listing" if found is None else "reading"
    if "source_ended_at" in raw:
        status = "failed" if obstacle else "done"
    return Reading(Source.model_validate_json(raw["source"]), status, found, obstacle)


def delivering_of(raw: Mapping[str, str]) -> Delivering | None:
    """Return how far a batch is with its destination, as `reading_of` does."""
    if "destination" not in raw:
        return None
    delivered, failed = (int(raw.get(name) or 0) for name in ("delivered", "undelivered"))
    status: Literal["delivering", "delivered", "delivery_failed"] = "delivering"
    if "exported_at" in raw:
        status = "delivery_failed" if failed else "delivered"
    destination = Destination.model_validate_json(raw["destination"])
    return Delivering(destination, status, delivered, failed, _obstacle(raw, "destination"))


def _obstacle(raw: Mapping[str, str], kind: str) -> Obstacle | None:
    text = raw.get(f"{kind}_error")
    if not text:
        return None
    found, retry_at = json.loads(text), raw.get(f"{kind}_retry_at")
    return Obstacle(found["code"], found["detail"], int(retry_at) if retry_at else None)
