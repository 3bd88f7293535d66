"""`client.usage()`: what jobs took, by day, owner, key and model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from atelier.client.errors import reading
from atelier.client.responses import json_of
from atelier.client.transport import Transport

DAYS_AT_ONCE = 31  # in one response


@dataclass(frozen=True, slots=True)
class Usage:
    """What jobs of one owner, key and model took on one day (UTC)."""

    day: date
    owner: str
    key: str | None  # id of the API key; None where none was needed
    model: str
    jobs: int  # that succeeded
    runner_seconds: float  # in workers' slots, failed attempts included
    pixels: int
    bytes: int


def read_usage(
    transport: Transport, since: date | None, until: date | None, owner: str | None
) -> Iterator[Usage]:
    """Yield the usage of days, both included, in their order; without them that of 31 days until today."""
    last = until or datetime.now(UTC).date()
    first = since or last - timedelta(days=DAYS_AT_ONCE - 1)
    whose = {} if owner is None else {"owner": owner}
    while first <= last:
        end = min(last, first + timedelta(days=DAYS_AT_ONCE - 1))
        query = {"since": first.isoformat(), "until": end.isoformat(), **whose}
        page = json_of(transport.send("GET", "/v1/usage", params=query))
        with reading("usage"):
            yield from map(_usage, page["data"])
        first = end + timedelta(days=1)


def _usage(entry: Mapping[str, Any]) -> Usage:
    names = ("owner", "key", "model", "jobs", "runner_seconds", "pixels", "bytes")
    return Usage(day=date.fromisoformat(entry["day"]), **{name: entry[name] for name in names})
