"""What the numbers of the queue and of failures look like, as JSON and in the OpenAPI document."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from shared.jobs.stats import Share, Stats, workers_wanted
from shared.jobs.status import Status
from shared.jobs.views import FailureView, Time, View, rfc3339
from shared.workers import Worker, numerics_of, slots_of

MOST_NAMES = 100  # owners and models in one response


class EndedView(View):
    """Jobs that ended, a minute."""

    succeeded: float
    failed: float
    canceled: float
    expired: float


class ShareView(View):
    """What one lane, one model, one owner, or all together have in the queue."""

    waiting: int = Field(description="Jobs that a worker could start now, items of batches included.")
    paused: int = Field(
        description="Jobs that a pause keeps from starting, of their lane, model, owner or batch, and the "
        "rest of a batch that runs its sample. They are not in `waiting`, nor in `work_seconds`."
    )
    running: int
    oldest_seconds: float | None = Field(description="How long the oldest of these has waited.")
    ended_a_minute: EndedView = Field(description="By the last `window_seconds`.")
    work_seconds: float | None = Field(
        description="How long what waits and runs keeps one slot busy; null where that was not measured."
    )


class LoadView(View):
    """What a service that adds and removes workers goes by.

    Numbers, 0 where nothing is: such a service takes a field without a number for a failure. They are null
    where `whole` is false, as a part of the load must not pass for all of it.
    """

    jobs: int | None = Field(description="Those that wait and those that run.")
    oldest_seconds: float | None = Field(description="How long the oldest of those that wait has waited.")


class LoadedShareView(ShareView):
    """What one lane, or all together have in the queue, with what workers are scaled by."""

    load: LoadView


class LaneStats(LoadedShareView):
    """A lane."""

    lane: str


class ModelStats(ShareView):
    """A model."""

    model: str


class OwnerStats(ShareView):
    """An owner."""

    owner: str


class NumericsStats(View):
    """Workers that make equal bytes of equal jobs."""

    numerics: str
    workers: int


class WorkersStats(View):
    """The workers."""

    live: int
    slots: int = Field(description="Jobs that they carry out at once at full speed.")
    wanted: int | None = Field(
        description="How many workers as large as these end all that waits or runs within the time asked for."
    )
    numerics: list[NumericsStats] = Field(
        description="By what live workers compute, the most frequent first. More than one: equal jobs may "
        "differ in their last bits, and none takes over the result of one that is done. Older workers tell "
        "none."
    )


class StatsView(View):
    """The numbers of the queue at one moment."""

    object: Literal["stats"]
    at: Time
    window_seconds: float = Field(description="How far back rates look.")
    whole: bool = Field(description="False where there was more than one reading looks at.")
    delayed: int = Field(description="Jobs that wait for a time, such as the pause before another attempt.")
    total: LoadedShareView
    lanes: list[LaneStats]
    models: list[ModelStats] = Field(description=f"Those with most in the queue first, {MOST_NAMES} at most.")
    owners: list[OwnerStats] = Field(description=f"Those with most in the queue first, {MOST_NAMES} at most.")
    workers: WorkersStats


class FailureList(View):
    """How jobs failed or expired, by code, the most frequent first."""

    object: Literal["list"]
    since: Time = Field(description="From when on they are counted.")
    data: list[FailureView]


def stats_view(stats: Stats, workers: Sequence[Worker], within_seconds: float) -> StatsView:
    """Return the representation of the numbers."""

    def named(name: str, shares: dict[str, Share]) -> list[dict[str, Any]]:
        return [{name: each, **_values(stats, share)} for each, share in list(shares.items())[:MOST_NAMES]]

    return StatsView.model_validate(
        {
            "object": "stats",
            "at": rfc3339(stats.now),
            "window_seconds": stats.window_seconds,
            "whole": stats.is_whole,
            "delayed": stats.delayed,
            "total": {**_values(stats, stats.total), "load": _load(stats, stats.total)},
            "lanes": [
                {"lane": lane, **_values(stats, share), "load": _load(stats, share)}
                for lane, share in stats.lanes.items()
            ],
            "models": named("model", dict(stats.models)),
            "owners": named("owner", dict(stats.owners)),
            "workers": {
                "live": len(workers),
                "slots": slots_of(workers),
                "wanted": workers_wanted(stats, workers, within_seconds),
                "numerics": [
                    {"numerics": name, "workers": count} for name, count in numerics_of(workers).items()
                ],
            },
        }
    )


def _load(stats: Stats, share: Share) -> dict[str, float | None]:
    if not stats.is_whole:
        return {"jobs": None, "oldest_seconds": None}
    return {
        "jobs": share.waiting + share.running,
        "oldest_seconds": max(0.0, (share.oldest_ms or 0.0) / 1000),
    }


def _values(stats: Stats, share: Share) -> dict[str, Any]:
    minutes = stats.window_seconds / 60
    ended = [status for status in Status if status.name.lower() in EndedView.model_fields]
    return {
        "waiting": share.waiting,
        "paused": share.paused,
        "running": share.running,
        "oldest_seconds": None if share.oldest_ms is None else max(0.0, share.oldest_ms / 1000),
        "ended_a_minute": {status: round(share.ended.get(status, 0) / minutes, 3) for status in ended},
        "work_seconds": None if math.isnan(share.work_ms) else round(share.work_ms / 1000, 3),
    }
