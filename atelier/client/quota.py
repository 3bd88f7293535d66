"""`client.identity()`, `client.quota()`, `client.set_quota()`: who one is, and what an owner may have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict
from urllib.parse import quote

from atelier.client.errors import reading
from atelier.client.job import moment
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


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of an API key; its text is in no response."""

    id: str  # the part of its text that is no secret
    name: str
    created_at: datetime | None
    expires_at: datetime | None  # None: valid until it is revoked
    used_at: datetime | None  # the last use, to the minute


@dataclass(frozen=True, slots=True)
class Identity:
    """In whose name requests are made, and what they may do."""

    owner: str  # whose jobs, files and styles they see and make
    scopes: Sequence[str]
    key: Key | None  # None where requests need no key, or a proxy names the user
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


def read_identity(transport: Transport) -> Identity:
    """Return in whose name requests are made."""
    found = json_of(transport.send("GET", "/v1/keys/self"))
    with reading("an identity"):
        key = None if found["key"] is None else _key(found["key"])
        return Identity(found["owner"], tuple(found["scopes"]), key, raw=found)


def _key(found: Mapping[str, Any]) -> Key:
    times = {name: moment(found[name]) for name in ("created_at", "expires_at", "used_at")}
    return Key(id=found["id"], name=found["name"], **times)


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
