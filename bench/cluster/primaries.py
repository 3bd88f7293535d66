"""What lies past one primary, simulated: owners dealt out over several, each whole on one of them.

Atelier has one job store. Nothing of an owner's records refers to another owner's, so an owner could live on
any of several. This shows, with made-up owners whose sizes follow Zipf's law, how even that would be, how
many owners move when a primary is added, and how long a small owner waits beside a large one. Times are in
jobs: every job takes one.

Usage: python -m bench.cluster.primaries [--owners N]
"""

import argparse
import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from statistics import mean

from bench.measuring import Table, percentile
from shared.identifiers import sha256

COUNTS = (1, 2, 4, 8)
EXPONENT = 1.0  # of Zipf's law: the largest owner has twice the second, three times the third
SLOTS, JOBS = 16, 10_000
SMALL_OWNERS, SMALL_SHARE = 32, 0.5  # of what the slots do is asked for by small owners
BACKLOG = 60_000  # jobs of the large owner: they never end here


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--owners", type=int, default=1000)
    given = parser.parse_args()
    balance(given.owners).print()
    waits().print()


def home(owner: str, count: int) -> int:
    """Return on which of several primaries an owner lives: by its highest draw, so that few ever move."""
    return max(range(count), key=lambda number: sha256(f"{number} {owner}".encode()))


def balance(owners: int) -> Table:
    """Deal owners out, and compare the fullest primary with the mean."""
    table = Table(f"{owners:,} owners, the number n of which has 1/n of the largest one's work")
    sizes = {f"owner-{rank}": rank**-EXPONENT for rank in range(1, owners + 1)}
    total = sum(sizes.values())
    table.add("the largest owner's share of all work", sizes["owner-1"] / total)
    for count in COUNTS[1:]:
        loads = [0.0] * count
        for owner, size in sizes.items():
            loads[home(owner, count)] += size
        table.add(f"{count} primaries: what they do together, as many times one", total / max(loads), "x")
        moved = mean(home(owner, count) != home(owner, count + 1) for owner in sizes)
        table.add(f"{count} primaries and one more: owners that move", moved)
    return table


@dataclass
class Primary:
    """A primary's queue: its owners take turns, as in one lane of the real one."""

    waiting: dict[str, deque[float]] = field(default_factory=dict)  # by owner: when each job came
    turns: deque[str] = field(default_factory=deque)

    def add(self, owner: str, at: float) -> None:
        """Let a job wait."""
        if not self.waiting.get(owner):
            self.waiting[owner] = deque()
            self.turns.append(owner)
        self.waiting[owner].append(at)

    def claim(self) -> tuple[str, float] | None:
        """Start the job of the owner whose turn it is; return the owner, and when the job came."""
        if not self.turns:
            return None
        owner = self.turns.popleft()
        came = self.waiting[owner].popleft()
        if self.waiting[owner]:
            self.turns.append(owner)
        return owner, came


def waits() -> Table:
    """Let one owner have a long backlog while others submit a job now and then; compare their waiting."""
    table = Table(
        f"{SMALL_OWNERS} owners submit half of what {SLOTS} slots do, one has endlessly much: their waiting"
    )
    for count in COUNTS:
        table_rows(table, f"{count} primaries, workers ask all in turn", _simulated(count, is_shared=True))
    for count in COUNTS[1:]:
        table_rows(
            table, f"{count} primaries, each with workers of its own", _simulated(count, is_shared=False)
        )
    return table


def table_rows(table: Table, name: str, waited: Sequence[float]) -> None:
    """Add what small owners waited, in times of a job."""
    table.add(f"{name}: mean", mean(waited), "jobs")
    table.add(f"{name}: p99", percentile(waited, 99), "jobs")


def _simulated(count: int, *, is_shared: bool) -> list[float]:
    """Return how long each job of a small owner waited until it started."""
    random_numbers = random.Random(7)
    primaries = [Primary() for _ in range(count)]
    for _ in range(BACKLOG):
        primaries[home("large", count)].add("large", 0.0)
    coming = _arrivals(random_numbers)
    free = [(random_numbers.random(), slot) for slot in range(SLOTS)]  # when each slot is free next
    heapq.heapify(free)
    asked = [_asks(slot, count, is_shared=is_shared) for slot in range(SLOTS)]
    waited: list[float] = []
    while len(waited) < JOBS:
        now, slot = heapq.heappop(free)
        while coming[-1][0] <= now:
            at, owner = coming.pop()
            primaries[home(owner, count)].add(owner, at)
        claimed = next((job for job in (primaries[n].claim() for n in asked[slot]()) if job), None)
        if claimed and claimed[0] != "large":
            waited.append(now - claimed[1])
        heapq.heappush(free, (now + (1.0 if claimed else 0.01), slot))
    return waited


def _arrivals(random_numbers: random.Random) -> list[tuple[float, str]]:
    """Return when which small owner submits, the first one last."""
    at, found = 0.0, []
    for _ in range(2 * JOBS):
        at += random_numbers.expovariate(SLOTS * SMALL_SHARE)
        found.append((at, f"small-{random_numbers.randrange(SMALL_OWNERS)}"))
    return found[::-1]


def _asks(slot: int, count: int, *, is_shared: bool) -> Callable[[], Sequence[int]]:
    """Return what gives the primaries that a slot asks for a job, in order, for each claim."""
    if not is_shared:
        return lambda: (slot % count,)
    first = cycle(range(count))
    list(islice(first, slot % count))

    def order() -> Sequence[int]:
        begin = next(first)
        return [(begin + step) % count for step in range(count)]

    return order


if __name__ == "__main__":
    main()
