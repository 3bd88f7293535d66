"""`client.quota()` and `client.set_quota()`: what an owner may have, and how many turns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict
from urllib.parse import quote

from atelier.client.errors import reading
from atelier.client.responses import json_of
from atelier.client.transport import Transport


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
