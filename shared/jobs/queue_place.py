"""Computes the queue position of a waiting job and the time until it is done, from the jobs ahead of it.

The position is the number of jobs that a single worker would start, one after another, up to and including
this one, if no job were added or removed. It counts the earlier jobs of the same owner, the turns of other
owners by their weights, the lane with priority, and the turn of the bulk lane when that lane has waited too
long. Delayed jobs, what is paused and jobs that follow an equal job do not count, because they start nothing.
A paused job has no position.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.jobs.durations import MeanDurations, Running
from shared.jobs.turns import Turns
from shared.specs.parts import Lane

TURN = 0.1  # share of the bulk patience between two turns of a lane that has waited too long
Counts = Mapping[str, float]  # number of jobs of each kind of work


@dataclass(frozen=True, slots=True)
class Waiting:
    """The expected position and completion time of a queued job."""

    position: int | None  # 1 starts next; None if the job cannot start by itself, or not yet
    eta_seconds: float | None  # until it is done; None if such work was not measured yet


@dataclass(frozen=True, slots=True)
class JobsAhead:
    """The jobs ahead of a job."""

    lane: Lane
    work: str
    pause_ms: float  # delay before it may be claimed
    in_lane: Counts  # jobs ahead of it in its own lane
    of_batch: Counts  # items of its own batch ahead of it, if the batch waits for its time
    other: Counts  # all jobs of the other lane
    passed_over_ms: float | None  # time since bulk was first passed over; None if it was not
    due_after: float  # number of interactive jobs that start before the turn of bulk
    held_ms: float | None = None  # until its pause ends; None if it is not paused
    held_ahead: Counts = field(default_factory=dict)  # jobs ahead of it that wait for the end of a pause

    @property
    def position(self) -> int | None:
        """The number of jobs that start up to and including this one; None while it is paused."""
        if self.held_ms is not None:
            return None
        before = _number(self.in_lane) + _number(self.of_batch)
        if self.lane is Lane.INTERACTIVE:
            return before + 1 + (before >= self.due_after)
        return before + 1 + round(min(_number(self.other), math.inf if before else self.due_after))


def expected(found: Mapping[str, Any], places: int, patience_ms: float) -> Waiting:
    """Return the expectation for a queued job, from the reply of the script `place`.

    `places` is the number of jobs that all workers run at once; `patience_ms` is the bulk lane's patience.
    """
    running = [Running(*each) for each in found["running"]]
    durations = MeanDurations(found["durations"], places, running)
    if "lane" in found:
        line = line_of(found, patience_ms)
        return Waiting(line.position, _seconds(_eta(line, durations, running, places, patience_ms)))
    leader = next((job for job in running if job.id == found.get("leader")), None)
    return Waiting(None, _seconds(durations.remainder(leader)) if leader and places else None)


def seconds_of_batch(
    found: Mapping[str, Any], batch_id: str, places: int, patience_ms: float
) -> float | None:
    """Return the seconds until the items of a batch are done, from the script's reply for the batch.

    The batch is done when its last waiting item and all its running items are done. Returns None if such work
    was not measured yet, or if no item is queued or running. `places` is 1 or more.
    """
    prefix = f"job_{batch_id.removeprefix('batch_')}-"
    running = [Running(*each) for each in found["running"]]
    durations = MeanDurations(found["durations"], places, running)
    ends = [durations.remainder(job) for job in running if job.id.startswith(prefix)]
    ends = _busy(ends, places)[-1:] if ends else []
    if "lane" in found:
        ends.append(_eta(line_of(found, patience_ms), durations, running, places, patience_ms))
    return _seconds(math.nan if any(map(math.isnan, ends)) else max(ends, default=math.nan))


def _seconds(milliseconds: float) -> float | None:
    return None if math.isnan(milliseconds) else round(milliseconds / 1000, 1)


def line_of(found: Mapping[str, Any], patience_ms: float) -> JobsAhead:
    """Return the jobs ahead of a job, from the reply of the script `place`."""
    lane, now, starving = Lane(found["lane"]), found["now"], found["starving"]
    others = [(Turns(**turns), counts) for turns, counts in found["others"]]
    in_lane = _with_turns(found["ahead"], Turns(**found["turns"]), others)
    (other,) = found["lanes"].values()
    since = starving.get(Lane.BULK)
    passed_over = None if since is None else now - since
    both_wait = _number(other) > 0
    is_late = both_wait and passed_over is not None and passed_over > patience_ms
    due_after = int(Lane.INTERACTIVE in starving) if is_late else math.inf
    of_batch = found.get("batch_ahead") or {}
    held = found.get("held"), found.get("held_ahead") or {}
    return JobsAhead(
        lane, found["work"], found["pause"], in_lane, of_batch, other, passed_over, due_after, *held
    )


def _eta(
    line: JobsAhead, durations: MeanDurations, running: Sequence[Running], places: int, patience_ms: float
) -> float:
    """Return the milliseconds until a job is done; NaN if unknown."""
    if not places:
        return math.nan
    busy = _busy([durations.remainder(job) for job in running], places)
    start = max(_start(line, durations, busy, patience_ms), line.pause_ms, line.held_ms or 0.0)
    later = durations.total(line.of_batch) + durations.total(line.held_ahead)
    return start + later / places + durations.cost(line.work)


def _start(line: JobsAhead, durations: MeanDurations, busy: Sequence[float], patience_ms: float) -> float:
    ahead, other = durations.total(line.in_lane), durations.total(line.other)
    count, others = _number(line.in_lane), _number(line.other)
    if not others:
        return _free_after(busy, ahead)
    turn, patience_left = TURN * patience_ms, max(0.0, patience_ms - (line.passed_over_ms or 0.0))
    if line.lane is Lane.BULK:  # after all interactive jobs, or in turns: one after each interactive job
        turns = patience_left + turn * count
        between = other * min(1.0, (count + 1) / others)
        return min(_free_after(busy, ahead + other), max(turns, _free_after(busy, ahead + between)))
    start = _free_after(busy, ahead)
    if start < patience_left or math.isnan(other):
        return start
    turns = min(others, count + 1, 1 + (start - patience_left) / max(turn, 1.0))
    return _free_after(busy, ahead + other * turns / others)


def _with_turns(own: Counts, turns: Turns, others: Sequence[tuple[Turns, Counts]]) -> Counts:
    """Return the jobs ahead of a job in its lane; `own` are its owner's jobs. Owners take turns."""
    counts = dict(own)
    its_turn = turns.at(_number(own)), turns.owner
    for their_turns, theirs in others:
        total = _number(theirs)
        started = min(total, their_turns.number_before(*its_turn))
        for work, count in theirs.items():
            counts[work] = counts.get(work, 0) + count * started / total
    return counts


def _number(counts: Counts) -> int:
    return round(sum(counts.values()))


def _busy(remainders: Sequence[float], places: int) -> list[float]:
    """Return how long each of the workers' slots is busy; the longest jobs are assigned first."""
    busy = [0.0] * places
    for remainder in sorted(remainders, reverse=True):
        least = min(range(places), key=busy.__getitem__)
        busy[least] += remainder
    return sorted(busy)


def _free_after(busy: Sequence[float], work: float) -> float:
    """Return when a slot becomes free after all slots together have done `work` more milliseconds."""
    level = work
    for number in range(1, len(busy) + 1):
        level = (work + math.fsum(busy[:number])) / number
        if number == len(busy) or level <= busy[number]:
            break
    return level
