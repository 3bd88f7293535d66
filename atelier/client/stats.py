"""`client.stats`: the numbers of the queue at one moment, and how jobs failed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from atelier.client.errors import reading
from atelier.client.queue.plans import Plan, plan_from_json
from atelier.client.responses import json_of
from atelier.client.transport import Resource


@dataclass(frozen=True, slots=True)
class Failure:
    """Jobs that failed or expired with one code."""

    code: str
    count: int
    example: str  # the id of the latest of them
    retryable: bool  # whether the same job may succeed later, unchanged
    hint: str  # what to do about it


def failures_from_json(body: Any) -> tuple[Failure, ...]:
    """Read failures; raise ProtocolError where they are none."""
    with reading("failures"):
        return tuple(
            Failure(entry["code"], entry["count"], entry["example"], bool(entry["retryable"]), entry["hint"])
            for entry in body
        )


@dataclass(frozen=True, slots=True)
class Share:
    """What one lane, one model, one owner, or all together have in the queue."""

    waiting: int  # jobs that a worker could start now
    running: int
    oldest_seconds: float | None  # how long the oldest waiting job has waited; None where none waits
    ended_a_minute: Mapping[str, float]  # by status: succeeded, failed, canceled, expired
    work_seconds: float | None  # for which all of it keeps one slot busy; None where that was not measured
    paused: int = 0  # jobs that a pause keeps from starting, which are not among those that wait


@dataclass(frozen=True, slots=True)
class Stats:
    """The numbers of the queue at one moment."""

    total: Share
    lanes: Mapping[str, Share]
    models: Mapping[str, Share]  # those with most in the queue first
    owners: Mapping[str, Share]
    delayed: int  # jobs that wait for a time
    workers: int  # that live
    slots: int  # jobs that they carry out at once at full speed
    workers_wanted: int | None  # to end all of it in the time asked for; None where that was not measured
    numerics: Mapping[str, int] = field(default_factory=dict)  # how many workers compute by each
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


class StatsResource(Resource):
    """The numbers of one Atelier's queue; a key needs the scope `metrics` or `admin`, for failures `read`."""

    def failures(self, *, since: datetime | None = None) -> tuple[Failure, ...]:
        """Return how jobs failed since a time with a zone, the most frequent first; without it, in a day."""
        params = {} if since is None else {"since": since.isoformat()}
        return failures_from_json(json_of(self._transport.send("GET", "/v1/failures", params=params))["data"])

    def plan(
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
        return plan_from_json(json_of(self._transport.send("GET", "/v1/plan", params=query)))

    def read(self, *, within_seconds: float = 60.0) -> Stats:
        """Return the numbers now; `within_seconds` is the time for `workers_wanted`, 1 to 604,800."""
        params = {"within": f"{within_seconds:g}"}
        body = json_of(self._transport.send("GET", "/v1/stats", params=params))
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


def _share(body: Any) -> Share:
    return Share(
        waiting=body["waiting"],
        running=body["running"],
        oldest_seconds=body["oldest_seconds"],
        ended_a_minute=dict(body["ended_a_minute"]),
        work_seconds=body["work_seconds"],
        paused=body.get("paused", 0),  # older services do not say
    )
