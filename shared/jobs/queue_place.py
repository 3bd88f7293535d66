"""Computes the queue position of a waiting job and the time until it is done, from the jobs ahead of it.

The position is the number of jobs that a single worker would start, one after another, up to and including
this one, if no job were added or removed. It counts the earlier jobs of the same owner, the turns of other
owners by their weights, the lane with priority, and the turn of the bulk lane when that lane has waited too
long. Delayed jobs, what is paused and jobs that follow an equal job do not count, because they start nothing,
nor do jobs that wait for the output of another: their time is that of the other and their own. A paused job
has no position. Where time decides, because only so many jobs of an owner or a model may run at once or bulk
will have turns for waiting too long, the position is how many jobs the workers are expected to start; so it
is where workers serve the job's lane alone. Only what takes slots of those that serve it counts.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.jobs.durations import MeanDurations, Running
from shared.jobs.schedule import UNITS, Counts, Line, Schedule, Slot, Started
from shared.jobs.turns import Turns
from shared.specs.parts import Lane
from shared.specs.spec import limited_model
from shared.workers import Capacity


@dataclass(frozen=True, slots=True)
class Waiting:
    """The expected position and completion time of a queued job or batch, and what holds it."""

    position: int | None  # 1 starts next; None if the job cannot start by itself, or not yet
    eta_seconds: float | None  # until it is done; None if such work was not measured yet
    hold: Mapping[str, Any] | None = None  # what `shared.jobs.reasons.hold_of` takes


@dataclass(frozen=True, slots=True)
class Expected:
    """What jobs that are not submitted yet are expected to take; None where that was not measured."""

    work_seconds: float | None  # for which all of them together keep one slot busy
    eta_seconds: float | None  # until the last of them would be done; None where no worker lives, too


@dataclass(frozen=True, slots=True)
class JobsAhead:
    """The jobs ahead of a job."""

    lane: Lane
    work: str
    pause_ms: float  # delay before it may be claimed
    own: Line  # its owner's jobs ahead of it
    lines: Sequence[Line]  # all that waits of the other owners, and of its owner in the other lane
    in_lane: Counts  # jobs ahead of it in its own lane
    of_batch: Counts  # items of its own batch ahead of it, if the batch waits for its time
    other: Counts  # all jobs of the other lane
    passed_over_ms: float | None  # time since bulk was first passed over; None if it was not
    bulk_had_the_last: bool  # whether an interactive job starts before bulk has a turn for waiting
    due_after: float  # number of interactive jobs that start before the turn of bulk
    held_ms: float | None = None  # until its pause ends; None if it is not paused
    held_ahead: Counts = field(default_factory=dict)  # jobs ahead of it that wait for the end of a pause
    # How many jobs of a model may run at once; of models of which some wait.
    model_limits: Mapping[str, int] = field(default_factory=dict)

    @property
    def has_limits(self) -> bool:
        """Whether only so many jobs of some owner or model may run at once."""
        return bool(self.model_limits) or any(line.turns.limit for line in (self.own, *self.lines))

    def must_be_played(self, start_ms: float, patience_ms: float) -> bool:
        """Whether more than the number of jobs ahead matters to a job that would start after so long else."""
        if self.has_limits or not self.other:
            return self.has_limits
        is_before_bulk = start_ms < patience_ms - (self.passed_over_ms or 0.0)
        return self.lane is Lane.BULK or not is_before_bulk

    @property
    def position(self) -> int:
        """The number of jobs that start up to and including this one."""
        before = _number(self.in_lane) + _number(self.of_batch)
        if self.lane is Lane.INTERACTIVE:
            return before + 1 + (before >= self.due_after)
        return before + 1 + round(min(_number(self.other), math.inf if before else self.due_after))


def expected(found: Mapping[str, Any], capacity: Capacity, patience_ms: float) -> Waiting:
    """Return the expectation for a queued job, from the reply of the script `place`.

    `capacity` is what the workers of its lane have; `patience_ms` is the bulk lane's patience.
    """
    running = [Running(*each) for each in found["running"]]
    durations, hold = MeanDurations(found["durations"], capacity.slots, running), found.get("hold")
    later = math.fsum(durations.cost(work) for work in found.get("after") or ())
    if "lane" in found:
        line = line_of(found, capacity, patience_ms)
        position, eta = _expected(line, durations, running, capacity, patience_ms)
        is_next = line.held_ms is None and not found.get("after")
        return Waiting(position if is_next else None, _seconds(eta + later), hold)
    leader = next((job for job in running if job.id == found.get("leader")), None)
    return Waiting(
        None, _seconds(durations.remainder(leader) + later) if leader and capacity.slots else None, hold
    )


def seconds_of_batch(
    found: Mapping[str, Any], batch_id: str, capacity: Capacity, patience_ms: float
) -> float | None:
    """Return the seconds until the items of a batch are done, from the script's reply for the batch.

    The batch is done when its last waiting item and all its running items are done. Returns None if such work
    was not measured yet, if no item is queued or running, or if some wait for the output of a job. There is
    a slot or more.
    """
    if found.get("waiting"):
        return None
    prefix = f"job_{batch_id.removeprefix('batch_')}-"
    running = [Running(*each) for each in found["running"]]
    durations = MeanDurations(found["durations"], capacity.slots, running)
    own = [job for job in running if job.id.startswith(prefix)]
    here = [durations.remainder(job) for job in own if job.worker not in capacity.elsewhere]
    ends = [durations.remainder(job) for job in own if job.worker in capacity.elsewhere]
    ends += _busy(here, capacity.slots)[-1:] if here else []
    # The last item, and the last of each model with a limit, which may be done later.
    lasts = {found["work"]: found["ahead"], **(found.get("limited") or {})} if "lane" in found else {}
    for work, ahead in lasts.items():
        line = line_of({**found, "work": work, "ahead": ahead}, capacity, patience_ms)
        ends.append(_expected(line, durations, running, capacity, patience_ms)[1])
    return _seconds(math.nan if any(map(math.isnan, ends)) else max(ends, default=math.nan))


def expected_of_new(
    found: Mapping[str, Any], works: Mapping[str, int], capacity: Capacity, patience_ms: float
) -> Expected:
    """Return the expectation for jobs that would be submitted now, from the script's reply for one of them.

    `works` has the number of jobs of each kind of work; all of them would wait behind what waits now.
    """
    running = [Running(*each) for each in found["running"]]
    durations = MeanDurations(found["durations"], capacity.slots, running)
    work_ms = durations.total(works) if works else 0.0
    if "lane" not in found:  # such jobs are paused without an end
        return Expected(_seconds(work_ms), None)
    line, ends = line_of(found, capacity, patience_ms), []
    lasts = {found["work"], *(work for work in works if limited_model(work) in line.model_limits)}
    for last in lasts if works else ():
        ahead = Counter(found["ahead"]) + Counter(works) - Counter([last])
        one = line_of({**found, "work": last, "ahead": ahead}, capacity, patience_ms)
        ends.append(_expected(one, durations, running, capacity, patience_ms)[1])
    eta = math.nan if any(map(math.isnan, ends)) else max(ends, default=math.nan)
    return Expected(_seconds(work_ms), _seconds(eta))


def _seconds(milliseconds: float) -> float | None:
    return None if math.isnan(milliseconds) else round(milliseconds / 1000, 1)


def line_of(found: Mapping[str, Any], capacity: Capacity, patience_ms: float) -> JobsAhead:
    """Return the jobs ahead of a job, from the reply of the script `place`.

    Those of the other lane are ahead of none where no worker serves both.
    """
    lane, now, starving = Lane(found["lane"]), found["now"], found["starving"]
    lines = [
        Line(Lane(name), Turns(**turns), counts)
        for name, lines in found["lanes"].items()
        if name == lane or capacity.is_shared
        for turns, counts in lines
    ]
    own = Line(lane, Turns(**found["turns"]), found["ahead"])
    in_lane = _with_turns(own, [line for line in lines if line.lane is lane])
    other = _sum(line.counts for line in lines if line.lane is not lane)
    since = starving.get(Lane.BULK)
    passed_over = None if since is None else now - since
    both_wait = _number(other) > 0
    is_late = both_wait and passed_over is not None and passed_over > patience_ms
    had_the_last = Lane.INTERACTIVE in starving
    due_after = int(had_the_last) if is_late else math.inf
    return JobsAhead(
        lane=lane,
        work=found["work"],
        pause_ms=found["pause"],
        own=own,
        lines=lines,
        in_lane=in_lane,
        of_batch=found.get("batch_ahead") or {},
        other=other,
        passed_over_ms=passed_over,
        bulk_had_the_last=had_the_last,
        due_after=due_after,
        held_ms=found.get("held"),
        held_ahead=found.get("held_ahead") or {},
        model_limits=_limits(found, [own, *lines]),
    )


def _limits(found: Mapping[str, Any], lines: Sequence[Line]) -> Mapping[str, int]:
    """Return the limits of the models of the job and of what waits."""
    works = {found["work"], *(work for line in lines for work in line.counts)}
    models, limits = {limited_model(work) for work in works}, found.get("model_limits") or {}
    return {model: int(number) for model, number in limits.items() if model in models}


def _expected(
    line: JobsAhead,
    durations: MeanDurations,
    running: Sequence[Running],
    capacity: Capacity,
    patience_ms: float,
) -> tuple[int, float]:
    """Return the position of a job, and the milliseconds until it is done, NaN if unknown."""
    if not capacity.slots:
        return line.position, math.nan
    left = [durations.remainder(job) for job in running if job.worker not in capacity.elsewhere]
    busy = _busy(left, capacity.slots)
    start, position = _free_after(busy, durations.total(line.in_lane)), line.position
    if line.must_be_played(start, patience_ms):
        started = _played(line, durations, running, capacity, patience_ms)
        start = started.after_ms if started else math.nan
        if started and (line.has_limits or started.late_turns or capacity.alone):
            position = started.before + 1
    later = durations.total(line.of_batch) + durations.total(line.held_ahead)
    start = max(start, line.pause_ms, line.held_ms or 0.0)
    return position, start + later / capacity.slots + durations.cost(line.work)


def _played(
    line: JobsAhead,
    durations: MeanDurations,
    running: Sequence[Running],
    capacity: Capacity,
    patience_ms: float,
) -> Started | None:
    """Return when a job starts, by the queue that is played forward; None where some time is unknown."""
    schedule = Schedule(
        [line.own, *line.lines],
        durations.cost,
        slots={Slot.SHARED: capacity.slots - capacity.alone, Slot.ALONE: capacity.alone},
        jobs_in_one=line.position / UNITS,
        limits=line.model_limits,
    )
    schedule.occupy(
        (durations.remainder(job), job.owner, limited_model(job.work), _slot_of(job, capacity))
        for job in running
    )
    return schedule.start(
        limited_model(line.work),
        passed_over_ms=line.passed_over_ms,
        had_the_last=line.bulk_had_the_last,
        patience_ms=patience_ms,
    )


def _slot_of(job: Running, capacity: Capacity) -> Slot:
    if job.worker in capacity.elsewhere:
        return Slot.ELSEWHERE
    return Slot.ALONE if job.worker in capacity.alone_ids or not capacity.is_shared else Slot.SHARED


def _with_turns(own: Line, others: Sequence[Line]) -> Counts:
    """Return the jobs ahead of a job in its lane; `own` are its owner's jobs. Owners take turns."""
    counts = dict(own.counts)
    if not others:
        return counts
    its_turn = own.turns.at(_number(own.counts)), own.turns.owner
    for line in others:
        total = _number(line.counts)
        started = min(total, line.turns.number_before(*its_turn))
        for work, count in line.counts.items():
            counts[work] = counts.get(work, 0) + count * started / total
    return counts


def _sum(all_counts: Iterable[Counts]) -> Counts:
    total = Counter[str]()
    for counts in all_counts:
        total.update(counts)
    return total


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
