"""The place of a waiting job and the time until it is done, from what stands before it.

The place is how many jobs a lone worker would start, one at a time, until it has started this one, if no
job came or went: those of its owner before it, the turns of other owners, the lane that goes first, and the
turn of bulk that was passed over for long. Jobs that wait for a time of their own, items of paused batches
and jobs that follow an equal one start nothing, and do not count.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.jobs.durations import MeanDurations, Running
from shared.specs.parts import Lane

TURN = 0.1  # of its patience, from one turn of a lane that was passed over for long to its next
Counts = Mapping[str, float]  # how many jobs, by kind of work


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a queued job may expect."""

    position: int | None  # 1 is the next to start; None where it does not start by itself, or not yet
    eta_seconds: float | None  # until it is done; None until what it takes was measured


@dataclass(frozen=True, slots=True)
class Line:
    """What stands before a job."""

    lane: Lane
    work: str
    pause_ms: float  # before it may be claimed
    in_lane: Counts  # jobs of its own lane
    other: Counts  # all jobs of the other lane
    passed_over_ms: float | None  # since bulk was passed over; None where it was not
    due_after: float  # how many interactive jobs go before bulk has its turn, though more of them wait

    @property
    def position(self) -> int:
        """How many jobs have started when this one has."""
        before = _number(self.in_lane)
        if self.lane is Lane.INTERACTIVE:
            return before + 1 + (before >= self.due_after)
        return before + 1 + round(min(_number(self.other), math.inf if before else self.due_after))


def expected(found: Mapping[str, Any], places: int, patience_ms: float) -> Waiting:
    """Return what a queued job may expect, from the answer of the script `place`.

    `places` is how many jobs all workers carry out at once, `patience_ms` that of the bulk lane.
    """
    running = [Running(*each) for each in found["running"]]
    pace = MeanDurations(found["durations"], places, running)
    if "lane" in found:
        line = line_of(found, patience_ms)
        return Waiting(line.position, _seconds(_eta(line, pace, running, places, patience_ms)))
    leader = next((job for job in running if job.id == found.get("leader")), None)
    return Waiting(None, _seconds(pace.remainder(leader)) if leader and places else None)


def seconds_of_batch(
    found: Mapping[str, Any], batch_id: str, places: int, patience_ms: float
) -> float | None:
    """Return the seconds until the items of a batch are done, from the script's answer for the batch.

    That is when its last waiting item is done, and all that run; None until what they take was measured, and
    where none of them is in line or runs. `places` is 1 or more.
    """
    prefix = f"job_{batch_id.removeprefix('batch_')}-"
    running = [Running(*each) for each in found["running"]]
    pace = MeanDurations(found["durations"], places, running)
    ends = [pace.remainder(job) for job in running if job.id.startswith(prefix)]
    ends = _busy(ends, places)[-1:] if ends else []
    if "lane" in found:
        ends.append(_eta(line_of(found, patience_ms), pace, running, places, patience_ms))
    return _seconds(math.nan if any(map(math.isnan, ends)) else max(ends, default=math.nan))


def _seconds(milliseconds: float) -> float | None:
    return None if math.isnan(milliseconds) else round(milliseconds / 1000, 1)


def line_of(found: Mapping[str, Any], patience_ms: float) -> Line:
    """Return what stands before a job, from the answer of the script `place`."""
    lane, now, starving = Lane(found["lane"]), found["now"], found["starving"]
    in_lane = _with_turns(found["ahead"], found["others"])
    (other,) = found["lanes"].values()
    since = starving.get(Lane.BULK)
    passed_over = None if since is None else now - since
    both_wait = _number(other) > 0
    is_late = both_wait and passed_over is not None and passed_over > patience_ms
    due_after = int(Lane.INTERACTIVE in starving) if is_late else math.inf
    return Line(lane, found["work"], found["pause"], in_lane, other, passed_over, due_after)


def _eta(
    line: Line, pace: MeanDurations, running: Sequence[Running], places: int, patience_ms: float
) -> float:
    """Return the milliseconds until a job is done; NaN where that is not known."""
    if not places:
        return math.nan
    busy = _busy([pace.remainder(job) for job in running], places)
    start = _start(line, pace, busy, patience_ms)
    return max(start, line.pause_ms) + pace.cost(line.work)


def _start(line: Line, pace: MeanDurations, busy: Sequence[float], patience_ms: float) -> float:
    ahead, other = pace.total(line.in_lane), pace.total(line.other)
    count, others = _number(line.in_lane), _number(line.other)
    if not others:
        return _free_after(busy, ahead)
    turn, patience_left = TURN * patience_ms, max(0.0, patience_ms - (line.passed_over_ms or 0.0))
    if line.lane is Lane.BULK:  # after all interactive jobs, or by turns, each after one of these
        turns = patience_left + turn * count
        between = other * min(1.0, (count + 1) / others)
        return min(_free_after(busy, ahead + other), max(turns, _free_after(busy, ahead + between)))
    start = _free_after(busy, ahead)
    if start < patience_left or math.isnan(other):
        return start
    turns = min(others, count + 1, 1 + (start - patience_left) / max(turn, 1.0))
    return _free_after(busy, ahead + other * turns / others)


def _with_turns(own: Counts, others: Sequence[tuple[Counts, int, bool]]) -> Counts:
    """Return what comes before a job in its lane, `own` of its own owner: owners take turns."""
    counts, rounds = dict(own), _number(own)
    for theirs, total, goes_first in others:
        started = min(total, rounds + goes_first)
        for work, count in theirs.items():
            counts[work] = counts.get(work, 0) + count * started / total
    return counts


def _number(counts: Counts) -> int:
    return round(sum(counts.values()))


def _busy(remainders: Sequence[float], places: int) -> list[float]:
    """Return for how long each of the workers' places is busy; the longest jobs are dealt out first."""
    busy = [0.0] * places
    for remainder in sorted(remainders, reverse=True):
        least = min(range(places), key=busy.__getitem__)
        busy[least] += remainder
    return sorted(busy)


def _free_after(busy: Sequence[float], work: float) -> float:
    """Return when a place is free once all of them have done so much more work."""
    level = work
    for number in range(1, len(busy) + 1):
        level = (work + math.fsum(busy[:number])) / number
        if number == len(busy) or level <= busy[number]:
            break
    return level
