"""How much the cluster carries out: by workers, and by how late every packet between its hosts is."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from atelier.client.batch_run import BatchRun
from bench.cluster.rig import DIGITS_TAKE, PHOTO_TAKES, RUNNERS, Rig
from bench.cluster.simulated_worker import DIGITS, PHOTOS
from bench.measuring import Goal, Table
from bench.processes import wait_until

WORKERS = (1, 2, 4)
TURN_SECONDS = 5.0  # that a batch takes about
MOST = {DIGITS: 16 * RUNNERS / DIGITS_TAKE, PHOTOS: RUNNERS / PHOTO_TAKES}  # items a second of a worker
SCALING_GOAL = Goal(0.9, at_least=True)
LATENCY_GOAL = Goal(0.85, at_least=True)
DONE_SECONDS = 240.0
_EDGE = 0.1  # of a batch, at its begin and at its end, is not measured: not all slots are busy there


def measure_workers(rig: Rig, turns: int) -> Table:
    """Carry out batches of digits by 1, 2 and 4 workers in turns."""
    table = Table(
        f"Digits carried out a second, {turns} turns of {TURN_SECONDS:g} s; a worker can do "
        f"{MOST[DIGITS]:.0f}"
    )
    rates: dict[int, list[float]] = {count: [] for count in WORKERS}
    for _ in range(turns):
        for count in WORKERS:
            rig.use_workers(count)
            rates[count].append(rate(rig, DIGITS, count))
    for count, found in rates.items():
        table.add(f"{count} worker{'s' * (count > 1)}", median(found), "/s")
    for count in WORKERS[1:]:
        ratios = [many / (count * one) for one, many in zip(rates[1], rates[count], strict=True)]
        table.add(f"{count} workers / {count} times one", median(ratios), "x", SCALING_GOAL)
    return table


def measure_latency(rig: Rig, turns: int, milliseconds: Sequence[float], *, workers: int) -> Table:
    """Carry out batches while packets are so many milliseconds late, and while they are not, in turns."""
    table = Table(f"Items carried out a second by {workers} workers while packets are late, {turns} turns")
    rig.use_workers(workers)
    for kind in (DIGITS, PHOTOS):
        rates: dict[float, list[float]] = {late: [] for late in (0.0, *milliseconds)}
        for _ in range(turns):
            for late, found in rates.items():
                with delayed(rig, late / 1000):
                    found.append(rate(rig, kind, workers))
        for late, found in rates.items():
            table.add(f"{kind}, {late:g} ms late each way", median(found), "/s")
        for late in milliseconds:
            ratios = [slow / fast for fast, slow in zip(rates[0.0], rates[late], strict=True)]
            table.add(f"{kind}: {late:g} ms / none", median(ratios), "x", LATENCY_GOAL)
    return table


@contextmanager
def delayed(rig: Rig, seconds: float) -> Iterator[None]:
    """Have every packet between two hosts so much later while the block runs."""
    rig.network.delay(seconds)
    try:
        yield
    finally:
        rig.network.delay(0.0)


def rate(rig: Rig, kind: str, workers: int) -> float:
    """Carry out a batch; return the items a second between its first and its last tenth."""
    items = int(MOST[kind] * workers * TURN_SECONDS)
    run = rig.batch(kind, items)
    run.resume()
    begun = _moment(rig, run, items * _EDGE)
    ended = _moment(rig, run, items * (1 - _EDGE))
    wait_until(lambda: rig.ended(run) == items, "the batch", seconds=DONE_SECONDS)
    (first_at, first), (last_at, last) = begun, ended
    return (last - first) / (last_at - first_at)


def _moment(rig: Rig, run: BatchRun, items: float) -> tuple[float, int]:
    """Return when so many items have ended, and how many had then."""
    until = time.monotonic() + DONE_SECONDS
    while (count := rig.ended(run)) < items:
        if time.monotonic() > until:
            raise TimeoutError(f"{items:.0f} items of {run.id}: not within {DONE_SECONDS:g} s")
        time.sleep(0.02)
    return time.monotonic(), count
