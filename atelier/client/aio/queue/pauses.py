"""Made from atelier/client/queue/pauses.py by `make async-client`: change that file, not this one."""

import builtins
from datetime import datetime

from atelier.client.aio.transport import AsyncResource
from atelier.client.errors import reading
from atelier.client.queue.pauses import Pause, _path, pause_end, pause_from_json
from atelier.client.request_parts import Lane
from atelier.client.responses import json_of
from atelier.client.transport import idempotency_header


class AsyncPausesResource(AsyncResource):
    """The pauses of one Atelier. A key without the scope `admin` pauses its own owner's jobs alone."""

    async def list(self) -> builtins.list[Pause]:
        """Return the pauses that may hold for one's own jobs, with an admin's key all; the latest first."""
        found = json_of(await self._transport.send("GET", "/v1/pauses"))
        with reading("a list of pauses"):
            return [pause_from_json(entry) for entry in found["data"]]

    async def get(self, pause: Pause | str) -> Pause:
        """Return a pause; raise ApiError (404) where there is none, or it has ended."""
        return pause_from_json(json_of(await self._transport.send("GET", _path(pause))))

    async def create(
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
        response = await self._transport.send("POST", "/v1/pauses", json=body, headers=headers)
        return pause_from_json(json_of(response))

    async def end(self, pause: Pause | str) -> None:
        """End a pause; raise ApiError (404) where there is none, or it has ended."""
        await self._transport.send("DELETE", _path(pause))
