"""Made from atelier/client/stats.py by `make async-client`: change that file, not this one."""

from datetime import datetime

from atelier.client.aio.transport import AsyncResource
from atelier.client.errors import reading
from atelier.client.queue.plans import Plan, plan_from_json
from atelier.client.responses import json_of
from atelier.client.stats import Failure, Stats, _share, failures_from_json


class AsyncStatsResource(AsyncResource):
    """The numbers of one Atelier's queue; a key needs the scope `metrics` or `admin`, for failures `read`."""

    async def failures(self, *, since: datetime | None = None) -> tuple[Failure, ...]:
        """Return how jobs failed since a time with a zone, the most frequent first; without it, in a day."""
        params = {} if since is None else {"since": since.isoformat()}
        return failures_from_json(
            json_of(await self._transport.send("GET", "/v1/failures", params=params))["data"]
        )

    async def plan(
        self,
        jobs: int,
        *,
        deadline_seconds: int,
        model: str | None = None,
        size: tuple[int, int] | None = None,
        workers: int | None = None,
    ) -> Plan:
        """Return what many jobs would take to be done by a deadline: workers, hours, storage, memory.

        `size` is that of each content picture, width and height in pixels. `workers` says how many are
        counted on for the hours; without it, those that live. Raises ApiError where nothing is known of the
        model's speed. Nothing is accepted or stored.
        """
        given = {
            "jobs": jobs,
            "deadline_seconds": deadline_seconds,
            "model": model,
            "size": None if size is None else f"{size[0]}x{size[1]}",
            "workers": workers,
        }
        query = {name: str(value) for name, value in given.items() if value is not None}
        return plan_from_json(json_of(await self._transport.send("GET", "/v1/plan", params=query)))

    async def read(self, *, within_seconds: float = 60.0) -> Stats:
        """Return the numbers now; `within_seconds` is the time for `workers_wanted`, 1 to 604,800."""
        params = {"within": f"{within_seconds:g}"}
        body = json_of(await self._transport.send("GET", "/v1/stats", params=params))
        with reading("the numbers of the queue"):
            workers = body["workers"]
            return Stats(
                total=_share(body["total"]),
                lanes={entry["lane"]: _share(entry) for entry in body["lanes"]},
                models={entry["model"]: _share(entry) for entry in body["models"]},
                owners={entry["owner"]: _share(entry) for entry in body["owners"]},
                delayed=body["delayed"],
                workers=workers["live"],
                slots=workers["slots"],
                workers_wanted=workers["wanted"],
                numerics={entry["numerics"]: entry["workers"] for entry in workers.get("numerics", ())},
                raw=body,
            )
