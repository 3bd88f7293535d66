"""`client.pauses`: what is not started for a time, why, and until when. Batches have pauses of their own."""

import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from atelier.client.errors import InvalidValue, reading
from atelier.client.job import moment
from atelier.client.request_parts import Lane
from atelier.client.responses import json_of
from atelier.client.transport import Resource, idempotency_header


@dataclass(frozen=True, slots=True)
class Pause:
    """Jobs of a lane, a model and an owner are not started; of all, where these are None."""

    id: str
    reason: str
    lane: Lane | None
    model: str | None
    owner: str | None
    by: str | None  # the owner of the key that made it; None where the service does not say
    holds: bool  # whether it held when the service answered; one with a window does not all day
    until: datetime | None  # when it ends by itself; None: it does not
    window: str | None = None  # the part of each day in which it holds, such as "01:00-07:00"
    timezone: str | None = None  # of the window
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


class PausesResource(Resource):
    """The pauses of one Atelier. A key without the scope `admin` pauses its own owner's jobs alone."""

    def list(self) -> builtins.list[Pause]:
        """Return the pauses that may hold for one's own jobs, with an admin's key all; the latest first."""
        found = json_of(self._transport.send("GET", "/v1/pauses"))
        with reading("a list of pauses"):
            return [pause_from_json(entry) for entry in found["data"]]

    def get(self, pause: Pause | str) -> Pause:
        """Return a pause; raise ApiError (404) where there is none, or it has ended."""
        return pause_from_json(json_of(self._transport.send("GET", _path(pause))))

    def create(
        self,
        reason: str,
        *,
        lane: Lane | None = None,
        model: str | None = None,
        owner: str | None = None,
        until: datetime | None = None,
        for_seconds: int | None = None,
        window: str | None = None,
        timezone: str | None = None,
        idempotency_key: str | None = None,
    ) -> Pause:
        """Start no job of a lane, a model and an owner; without these, of everything. What runs goes on.

        It ends at `until`, a time with a zone, or after `for_seconds` (366 days at most), else by `end`. With
        a `window` such as "01:00-07:00" it holds in that part of each day, in `timezone` (UTC by default).
        Raises ApiError (409) where there are too many pauses, and InvalidValue for a time without a zone.
        """
        given = {"reason": reason, "lane": lane, "model": model, "owner": owner}
        given |= {"window": window, "timezone": timezone}
        named = {name: value for name, value in given.items() if value is not None}
        body = {**named, **pause_end(until, for_seconds)}
        headers = idempotency_header(idempotency_key)
        response = self._transport.send("POST", "/v1/pauses", json=body, headers=headers)
        return pause_from_json(json_of(response))

    def end(self, pause: Pause | str) -> None:
        """End a pause; raise ApiError (404) where there is none, or it has ended."""
        self._transport.send("DELETE", _path(pause))


def pause_end(until: datetime | None, for_seconds: int | None) -> dict[str, str | int]:
    """Return the end of a pause as a request has it; raise InvalidValue for a time without a zone."""
    if until is not None and until.tzinfo is None:
        raise InvalidValue("until must have a time zone, such as datetime.now(UTC) has")
    given = {"until": None if until is None else until.isoformat(), "for_seconds": for_seconds}
    return {name: value for name, value in given.items() if value is not None}


def pause_from_json(body: Any) -> Pause:
    """Read a pause; raise ProtocolError where the document is none."""
    with reading("a pause"):
        names = ("id", "reason", "lane", "model", "owner", "by", "holds", "window", "timezone")
        known = {name: body[name] for name in names}
        return Pause(**known, until=moment(body["until"]), raw=body)


def _path(pause: Pause | str) -> str:
    name = pause if isinstance(pause, str) else pause.id
    return f"/v1/pauses/{quote(name, safe='')}"
