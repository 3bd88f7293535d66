"""Plays the queue forward from now on, to say when a job starts and how many start before it.

It does what the script `claim` does: interactive jobs go before bulk, which has a turn where it has waited
too long; owners take turns by their weights; an owner starts no more jobs than its quota lets run at once,
and the slots that it leaves are free for others. Jobs of a model of which as many run as may are passed over,
and those behind them go on. A worker of one lane leaves the other one alone. Where many jobs are before the
job, several count as one long one.
"""

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import IntEnum
from operator import attrgetter
from typing import Self

from shared.jobs.turns import PARTS, Turns
from shared.specs.parts import Lane
from shared.specs.spec import limited_model

TURN = 0.1  # share of the bulk patience between two turns of a lane that has waited too long
UNITS = 120  # into which the jobs before a job are divided: more take longer to play
MOST_UNITS = 8 * UNITS


class Slot(IntEnum):
    """Where a job runs."""

    SHARED = 0  # at a worker that serves both lanes
    ALONE = 1  # at one that serves the lane of the job that is asked for, and no other
    ELSEWHERE = 2  # at one that starts no job of that lane


Counts = Mapping[str, float]  # number of jobs of each kind of work


@dataclass(frozen=True, slots=True)
class Line:
    """The jobs of one owner that wait in a lane."""

    lane: Lane
    turns: Turns
    counts: Counts


@dataclass(frozen=True, slots=True)
class Started:
    """When a job starts."""

    after_ms: float
    before: int  # jobs that start before it
    late_turns: int  # how often bulk has a turn until then for waiting too long, now left out


@dataclass(slots=True)
class _Kind:
    """The jobs of one kind of work in a line."""

    model: str
    cost: float  # milliseconds of a slot
    left: float  # jobs that have not started
    share: float  # of the line
    owed: float = 0.0  # jobs that are behind the share


class _Line:
    """A line while it is played. Its kinds of work are mixed evenly, as their order is not known."""

    def __init__(self, line: Line, cost: Callable[[str], float], *, is_own: bool) -> None:
        self.lane, self.owner, self.limit = line.lane, line.turns.owner, line.turns.limit
        self.left, self.is_own = sum(line.counts.values()), is_own
        self.turn, self._later, self._step = line.turns.turn, line.turns.later, 1 / line.turns.weight
        self._kinds = [
            _Kind(limited_model(work), cost(work), count, count / self.left)
            for work, count in line.counts.items()
        ]

    @property
    def is_known(self) -> bool:
        """Whether the time of all its work is known."""
        return not any(math.isnan(kind.cost) for kind in self._kinds)

    def is_before(self, other: Self) -> bool:
        """Whether it has its turn before another line."""
        return self.turn < other.turn or (self.turn == other.turn and self.owner < other.owner)

    def may_start(self, full: Set[str]) -> bool:
        """Whether it has jobs of another model than these, of which as many run as may."""
        if not full:
            return self.left > 0
        return any(kind.left > 0 and kind.model not in full for kind in self._kinds)

    def have_turn(self, served: float) -> float:
        """Return its turn, where the highest of its lane that was served is this: it saved up none."""
        self.turn = max(self.turn, self._later, served - self._step / PARTS)
        return self.turn

    def take(self, number: float, full: Set[str]) -> tuple[float, float, str]:
        """Start jobs of one kind, of another model than these: how many, how long they take, and their model.

        They take so long one after the other.
        """
        for each in self._kinds:
            each.owed += number * each.share
        kind = max(
            (kind for kind in self._kinds if kind.left > 0 and kind.model not in full),
            key=attrgetter("owed"),
        )
        taken = min(number, kind.left)
        kind.left, kind.owed = kind.left - taken, kind.owed - taken
        self.left = sum(kind.left for kind in self._kinds)
        self.turn += taken * self._step
        return taken, taken * kind.cost, kind.model


class Schedule:
    """The queue as it goes on from now, if nothing comes or goes."""

    def __init__(
        self,
        lines: Sequence[Line],
        cost: Callable[[str], float],
        *,
        slots: Mapping[Slot, int],
        jobs_in_one: float,
        limits: Mapping[str, int],
    ) -> None:
        """Take what waits, the milliseconds that a kind of work costs, all slots, and limits of models.

        The first line is that of the job, and has the jobs before it.
        """
        played = [_Line(line, cost, is_own=line is lines[0]) for line in lines]
        self._lines = {lane: [line for line in played if line.lane is lane] for lane in Lane}
        self._is_known = all(line.is_known for line in played)
        self._lane = lines[0].lane
        self._free = {Slot.ALONE: slots[Slot.ALONE], Slot.SHARED: slots[Slot.SHARED]}
        self._slot = Slot.SHARED  # of the job that starts next
        self._jobs_in_one = max(1.0, jobs_in_one)
        # Whose job ends, of which model, and which slot is free then.
        self._ends: list[tuple[float, str, str, Slot]] = []
        self._running = Counter[str]()  # by owner
        self._limits, self._of_model = limits, Counter[str]()
        self._full: set[str] = set()  # models of which as many run as may
        self._served = dict.fromkeys(Lane, -math.inf)  # the highest turn of each lane
        self._now, self._before, self._late_turns = 0.0, 0.0, 0
        self._bulk = _Patience(0.0, None, 1.0)

    def occupy(self, running: Iterable[tuple[float, str, str, Slot]]) -> None:
        """Have jobs run: the milliseconds that are left of each, its owner, model and slot; longest first."""
        busy = {slot: [0.0] * count for slot, count in self._free.items()}
        ends = []
        for remainder, owner, model, slot in sorted(running, reverse=True):
            slots = busy.get(slot, [0.0])
            number = min(range(len(slots)), key=slots.__getitem__)
            slots[number] += remainder
            ends.append((slots[number], owner, model, slot, slots, number))
            self._count(owner, model, 1)
        self._ends = [
            (end, owner, model, slot if end == slots[number] else Slot.ELSEWHERE)
            for end, owner, model, slot, slots, number in ends
        ]
        self._free = {slot: slots.count(0.0) for slot, slots in busy.items()}
        heapq.heapify(self._ends)

    def _count(self, owner: str, model: str, number: int) -> None:
        self._running[owner] += number
        if model in self._limits:
            self._of_model[model] += number
            is_full = self._of_model[model] >= self._limits[model]
            (self._full.add if is_full else self._full.discard)(model)

    def start(
        self,
        model: str,
        *,
        passed_over_ms: float | None,
        had_the_last: bool,
        patience_ms: float,
    ) -> Started | None:
        """Play until the job, of this model, starts; None where the time of some work is not known.

        Bulk was passed over for so long, or is not; `had_the_last` turn, it has none before interactive jobs.
        """
        self._model = model
        self._bulk = _Patience(patience_ms, passed_over_ms, 0.0 if had_the_last else 1.0)
        for unit in range(1, MOST_UNITS if self._is_known else 0):
            first = self._next_lines()
            if not first:
                return None
            line, jobs = self._whose_turn(first)
            if line.is_own and not self._has_before(line):
                break
            self._start(line, min(jobs, line.left))
            if unit % (2 * UNITS) == 0:
                self._jobs_in_one *= 2
        return Started(self._now, round(self._before), self._late_turns) if self._is_known else None

    def _next_lines(self) -> list[_Line]:
        """Go on until a job can start; return the line whose turn it is in each lane where one can."""
        while True:
            first = self._startable()
            if first or not self._ends:
                return first
            self._now, owner, model, slot = heapq.heappop(self._ends)
            self._count(owner, model, -1)
            if slot in self._free:
                self._free[slot] += 1

    def _startable(self) -> list[_Line]:
        """Return the line whose turn it is in each lane of which a free slot takes a job now."""
        for slot in (slot for slot, free in self._free.items() if free):
            lanes = [self._lane] if slot is Slot.ALONE else Lane
            if first := [line for lane in lanes if (line := self._first(self._lines[lane]))]:
                self._slot = slot
                return first
        return []

    def _first(self, lines: Sequence[_Line]) -> _Line | None:
        first = None
        for line in lines:
            if self._may_start(line) and (not line.limit or self._running[line.owner] < line.limit):
                first = line if first is None or line.is_before(first) else first
        return first

    def _may_start(self, line: _Line) -> bool:
        """Whether a job of the line, or the job itself in its own, may start by the limits of models."""
        if not line.is_own or self._has_before(line):
            return line.may_start(self._full)
        return self._model not in self._full

    def _has_before(self, line: _Line) -> bool:
        """Whether another job of the job's own line starts before it."""
        return line.left >= 1 and line.may_start(self._full)

    def _whose_turn(self, first: Sequence[_Line]) -> tuple[_Line, float]:
        """Return the line that starts jobs, and how many."""
        if len(first) > 1 and (turns := self._bulk.turns(self._now)):
            self._late_turns += self._now > 0
            return first[1], turns
        self._bulk.note(first[0].lane, self._jobs_in_one, self._now)
        return first[0], self._jobs_in_one

    def _start(self, line: _Line, number: float) -> None:
        self._served[line.lane] = max(self._served[line.lane], line.have_turn(self._served[line.lane]))
        taken, duration, model = line.take(number, self._full)
        end = self._now + duration
        self._before += taken
        self._free[self._slot] -= 1
        self._count(line.owner, model, 1)
        heapq.heappush(self._ends, (end, line.owner, model, self._slot))


class _Patience:
    """When bulk has a turn although interactive jobs wait."""

    def __init__(self, patience_ms: float, passed_over_ms: float | None, between: float) -> None:
        self._patience = patience_ms
        self._due = None if passed_over_ms is None else patience_ms - passed_over_ms
        self._between = between  # interactive jobs since its last turn: it never has two in a row

    def turns(self, now: float) -> float:
        """Take the turns that it has now; many interactive jobs that count as one may leave several."""
        if self._due is None or now < self._due or not self._between:
            return 0.0
        turn = TURN * self._patience
        turns = min(self._between, 1 + (now - max(self._due, 0.0)) // turn) if turn else self._between
        self._due, self._between = now + turn, 0.0
        return turns

    def note(self, lane: Lane, jobs: float, now: float) -> None:
        """Note jobs that a lane starts by its order."""
        self._between = jobs
        if lane is Lane.BULK:
            self._due = None
        elif self._due is None:
            self._due = now + self._patience
