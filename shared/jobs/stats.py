"""The numbers of the queue at one moment: what waits, runs and has ended lately, by lane, model and owner."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.jobs.durations import MeanDurations, Running
from shared.redis.scripts import Scripts
from shared.specs.parts import Lane
from shared.specs.spec import parted
from shared.workers import Worker, slots_of

MINUTES = 5  # that rates are of, the current one included
Where = tuple[str, str, str]  # lane, owner, model
MOST_ROWS = 2000  # of kinds of work, and of batches that start nothing: what a reading costs is bounded


@dataclass(frozen=True, slots=True)
class Share:
    """What one lane, one model, one owner, or all together have in the queue."""

    waiting: int = 0  # jobs that a worker could start now
    paused: int = 0  # jobs that it could start if nothing were paused
    running: int = 0
    oldest_ms: float | None = None  # age of the job that has waited longest; None where none waits
    ended: Mapping[str, int] = field(default_factory=dict)  # in the last minutes, by status
    work_ms: float = 0.0  # for how long all of it keeps one slot busy; NaN where that was not measured


@dataclass(frozen=True, slots=True)
class Stats:
    """The numbers of the queue at one moment."""

    now: int  # milliseconds since the epoch, by the server's clock
    window_seconds: float  # how long the jobs that ended are counted
    total: Share
    lanes: Mapping[str, Share]
    owners: Mapping[str, Share]
    models: Mapping[str, Share]
    delayed: int  # jobs that wait for a time
    is_whole: bool  # False where there is more than was looked at


def read_stats(scripts: Scripts, workers: Sequence[Worker]) -> Stats:
    """Read the numbers, in one step on the server; `workers` are those that live."""
    found = json.loads(scripts.run("jobs/stats", MOST_ROWS, MINUTES, *Lane))
    return _stats(found, {lane: max(1, slots_of(workers, lane)) for lane in Lane})


def workers_wanted(stats: Stats, workers: Sequence[Worker], within_seconds: float) -> int | None:
    """Return how many workers, as large as those that live, end all that waits or runs within a time.

    None where the work was not measured yet. With no live worker, one with a single slot is assumed.
    """
    work = stats.total.work_ms / 1000
    if math.isnan(work):
        return None
    count = sum(worker.takes_jobs for worker in workers)
    size = slots_of(workers) / count if count else 1
    return math.ceil(work / within_seconds / max(1, size))


def _stats(found: Mapping[str, Any], slots: Mapping[Lane, int]) -> Stats:
    running = [Running("", work, elapsed) for _, _, work, elapsed in found["running"]]
    durations = {lane: MeanDurations(found["durations"], slots[lane], running) for lane in Lane}
    facts = list(_facts(found, durations))
    return Stats(
        now=found["now"],
        window_seconds=(MINUTES - 1) * 60 + found["now"] % 60_000 / 1000,
        total=_together(share for _, share in facts),
        lanes={lane: _together(share for where, share in facts if where[0] == lane) for lane in Lane},
        owners=_by(facts, 1),
        models=_by(facts, 2),
        delayed=found["delayed"],
        is_whole=found["whole"],
    )


def _facts(
    found: Mapping[str, Any], durations: Mapping[Lane, MeanDurations]
) -> Iterator[tuple[Where, Share]]:
    for lane, owner, work, count, oldest in found["waiting"]:
        share = Share(
            waiting=count, oldest_ms=found["now"] - oldest, work_ms=count * durations[lane].cost(work)
        )
        yield (lane, owner, parted(work)[0]), share
    for lane, owner, work, count in found["paused"]:
        yield (lane, owner, parted(work)[0]), Share(paused=count)
    for lane, owner, work, elapsed in found["running"]:
        rest = durations[lane].remainder(Running("", work, elapsed))
        yield (lane, owner, parted(work)[0]), Share(running=1, work_ms=rest)
    for what, count in found["ended"].items():
        status, lane, owner, model = what.split(" ")
        yield (lane, owner, model), Share(ended={status: int(count)})


def _by(facts: Sequence[tuple[Where, Share]], part: int) -> dict[str, Share]:
    """Return the shares by one part of where they are, the ones with most work first."""
    groups: defaultdict[str, list[Share]] = defaultdict(list)
    for where, share in facts:
        groups[where[part]].append(share)
    shares = {name: _together(group) for name, group in groups.items()}

    def order(entry: tuple[str, Share]) -> tuple[int, int, str]:
        name, share = entry
        return -share.waiting - share.running, -share.paused, name

    return dict(sorted(shares.items(), key=order))


def _together(shares: Iterable[Share]) -> Share:
    each = list(shares)
    ended = Counter[str]()
    for share in each:
        ended.update(share.ended)
    return Share(
        waiting=sum(share.waiting for share in each),
        paused=sum(share.paused for share in each),
        running=sum(share.running for share in each),
        oldest_ms=max((share.oldest_ms for share in each if share.oldest_ms is not None), default=None),
        ended=ended,
        work_ms=sum(share.work_ms for share in each),
    )
