"""What owners may have, and what their jobs took: `client.quota()`, `set_quota()` and `usage()`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypedDict
from urllib.parse import quote

from atelier.client.errors import reading
from atelier.client.responses import json_of
from atelier.client.transport import Transport

DAYS_AT_ONCE = 31  # in one response


class Limits(TypedDict, total=False):
    """Limits of one owner; None is what the service's settings say, 0 is no limit."""

    queued: int | None  # jobs that wait, items of batches included
    running: int | None  # jobs at once
    stored_bytes: int | None
    daily_pixels: int | None  # of the results of jobs that are accepted on a day (UTC)
    weight: int | None  # 1 to 100; None is 1


@dataclass(frozen=True, slots=True)
class Quota:
    """What an owner may have, and what it has; each mapping is by the names of the limits."""

    owner: str
    own: Mapping[str, int | None]  # what was set for this owner
    limits: Mapping[str, int]  # what holds; 0 is no limit
    used: Mapping[str, int]
    weight: int  # turns that it has where an owner of weight 1 has one


def read_quota(transport: Transport, owner: str | None) -> Quota:
    """Return an owner's quota; one's own without a name."""
    return _quota(json_of(transport.send("GET", _path(owner) if owner else "/v1/quota")))


def write_quota(transport: Transport, owner: str, limits: Limits) -> Quota:
    """Set an owner's quota; return what then holds."""
    return _quota(json_of(transport.send("PUT", _path(owner), json=dict(limits))))


def _path(owner: str) -> str:
    return f"/v1/owners/{quote(owner, safe='')}/quota"


def _quota(found: Mapping[str, Any]) -> Quota:
    with reading("quota"):
        return Quota(**{name: found[name] for name in ("owner", "own", "limits", "used", "weight")})


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
