"""Plays the queue forward from now on, to say when a job starts and how many start before it.

It does what the script `claim` does: interactive jobs go before bulk, which has a turn where it has waited
too long; owners take turns by their weights; an owner starts no more jobs than its quota lets run at once,
and the slots that it leaves are free for others. Where many jobs are before the job, several count as one
long one.
"""

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from shared.jobs.turns import Turns
from shared.specs.parts import Lane

TURN = 0.1  # share of the bulk patience between two turns of a lane that has waited too long
UNITS = 120  # into which the jobs before a job are divided: more take longer to play
MOST_UNITS = 8 * UNITS


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


class _Line:
    """A line while it is played. Its kinds of work are mixed evenly, as their order is not known."""

    def __init__(self, line: Line, cost: Callable[[str], float], *, is_own: bool) -> None:
        self.lane, self.owner, self.limit = line.lane, line.turns.owner, line.turns.limit
        self.left, self.is_own = sum(line.counts.values()), is_own
        self.turn, self._later, self._step = line.turns.turn, line.turns.later, 1 / line.turns.weight
        self._costs = [cost(work) for work in line.counts]
        self._shares = [count / self.left for count in line.counts.values()]
        self._owed = [0.0] * len(self._costs)  # jobs of each kind that are behind their share

    @property
    def is_known(self) -> bool:
        """Whether the time of all its work is known."""
        return not any(map(math.isnan, self._costs))

    def is_before(self, other: Self) -> bool:
        """Whether it has its turn before another line."""
        return self.turn < other.turn or (self.turn == other.turn and self.owner < other.owner)

    def take(self, number: float) -> float:
        """Start jobs of one kind; return how long they take, one after the other."""
        self.left -= number
        self.turn = max(self.turn, self._later) + number * self._step
        if len(self._costs) == 1:
            return number * self._costs[0]
        self._owed = [owed + number * share for owed, share in zip(self._owed, self._shares, strict=True)]
        kind = max(range(len(self._owed)), key=self._owed.__getitem__)
        self._owed[kind] -= number
        return number * self._costs[kind]


class Schedule:
    """The queue as it goes on from now, if nothing comes or goes."""

    def __init__(
        self, lines: Sequence[Line], cost: Callable[[str], float], *, places: int, jobs_in_one: float
    ) -> None:
        """Take what waits, and the milliseconds of a slot that a kind of work costs.

        The first line is that of the job, and has the jobs before it.
        """
        played = [_Line(line, cost, is_own=line is lines[0]) for line in lines]
        self._lines = {lane: [line for line in played if line.lane is lane] for lane in Lane}
        self._is_known = all(line.is_known for line in played)
        self._free = places
        self._jobs_in_one = max(1.0, jobs_in_one)
        self._ends: list[tuple[float, str, bool]] = []  # whose job ends, and whether its slot is free then
        self._running = Counter[str]()
        self._now, self._before, self._late_turns = 0.0, 0.0, 0
        self._bulk = _Patience(0.0, None, 1.0)

    def occupy(self, running: Iterable[tuple[float, str]]) -> None:
        """Have jobs run, each with the milliseconds that are left of it and its owner; longest go first."""
        slots = [0.0] * self._free
        ends: list[tuple[float, int, str]] = []
        for remainder, owner in sorted(running, reverse=True):
            slot = min(range(len(slots)), key=slots.__getitem__)
            slots[slot] += remainder
            ends.append((slots[slot], slot, owner))
            self._running[owner] += 1
        self._ends = [(end, owner, end == slots[slot]) for end, slot, owner in ends]
        self._free = slots.count(0.0)
        heapq.heapify(self._ends)

    def start(
        self, *, passed_over_ms: float | None, had_the_last: bool, patience_ms: float
    ) -> Started | None:
        """Play until the job starts; None where the time of some work is not known.

        Bulk was passed over for so long, or is not; `had_the_last` turn, it has none before interactive jobs.
        """
        self._bulk = _Patience(patience_ms, passed_over_ms, 0.0 if had_the_last else 1.0)
        for unit in range(1, MOST_UNITS if self._is_known else 0):
            first = self._next_lines()
            if not first:
                return None
            line, jobs = self._whose_turn(first)
            if line.is_own and line.left < 1:
                break
            self._start(line, min(jobs, line.left))
            if unit % (2 * UNITS) == 0:
                self._jobs_in_one *= 2
        return Started(self._now, round(self._before), self._late_turns) if self._is_known else None

    def _next_lines(self) -> list[_Line]:
        """Go on until a job can start; return the line whose turn it is in each lane where one can."""
        while True:
            first = [line for lane in Lane if (line := self._first(self._lines[lane]))] if self._free else []
            if first or not self._ends:
                return first
            self._now, owner, is_free = heapq.heappop(self._ends)
            self._running[owner] -= 1
            self._free += is_free

    def _first(self, lines: Sequence[_Line]) -> _Line | None:
        first = None
        for line in lines:
            if (line.left > 0 or line.is_own) and (not line.limit or self._running[line.owner] < line.limit):
                first = line if first is None or line.is_before(first) else first
        return first

    def _whose_turn(self, first: Sequence[_Line]) -> tuple[_Line, float]:
        """Return the line that starts jobs, and how many."""
        if len(first) > 1 and (turns := self._bulk.turns(self._now)):
            self._late_turns += self._now > 0
            return first[1], turns
        self._bulk.note(first[0].lane, self._jobs_in_one, self._now)
        return first[0], self._jobs_in_one

    def _start(self, line: _Line, number: float) -> None:
        end = self._now + line.take(number)
        self._before += number
        self._free -= 1
        self._running[line.owner] += 1
        heapq.heappush(self._ends, (end, line.owner, True))


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
