"""What a job costs the network: round trips and bytes, of the API and of the workers, to server and storage.

The switch counts them. What goes on while nothing is to be done (heartbeats, reads that wait for doorbells)
is measured first, and subtracted by the time that a measurement took.
"""

import time
from collections import Counter
from collections.abc import Callable

from bench.cluster.rig import API, IO, S3, SERVER, WORKER_HOSTS, Rig
from bench.cluster.simulated_worker import DIGITS, PHOTOS
from bench.measuring import Goal, Table
from bench.processes import wait_until

ROUNDS_GOAL = Goal(12.0)
IDLE_SECONDS = 5.0
JOBS, ITEMS = 40, 320
WAITING_SECONDS = 60.0

Figures = Counter[tuple[str, str]]  # by kind of figure, and by from and to


def measure_traffic(rig: Rig) -> Table:
    """Count jobs one by one and items of batches, by one worker on each of two hosts."""
    rig.use_workers(2)
    time.sleep(2.0)  # so that the cordons are known everywhere
    idle = _counted(rig, lambda: time.sleep(IDLE_SECONDS))
    table = Table(f"Round trips and bytes a job; {JOBS} jobs one by one, {ITEMS} items of a batch")
    seconds, counts = idle
    per_second = sum(n for (name, _), n in counts.items() if name == "rounds") / seconds
    table.add("round trips a second while nothing is to be done", per_second)
    for name, work, jobs in (
        ("a digit, submitted, waited for and fetched", lambda: _one_by_one(rig, DIGITS), JOBS),
        ("a photo, submitted, waited for and fetched", lambda: _one_by_one(rig, PHOTOS), JOBS),
        ("a digit of a batch", lambda: _batch(rig, DIGITS, ITEMS), ITEMS),
        ("a photo of a batch", lambda: _batch(rig, PHOTOS, ITEMS // 2), ITEMS // 2),
    ):
        _add(table, name, _less(_counted(rig, work), idle), jobs)
    return table


def _add(table: Table, name: str, figures: Figures, jobs: int) -> None:
    def total(kind: str, *parts: str) -> float:
        return sum(n for (one, pair), n in figures.items() if one == kind and pair in parts) / jobs

    workers = "worker"
    table.add(f"{name}: API to server", total("rounds", f"{API} {SERVER}"), "round trips")
    table.add(f"{name}: API to storage", total("rounds", f"{API} {S3}"), "round trips")
    table.add(f"{name}: worker to server", total("rounds", f"{workers} {SERVER}"), "round trips")
    table.add(f"{name}: worker to storage", total("rounds", f"{workers} {S3}"), "round trips")
    everywhere = [f"{one} {other}" for one in (API, workers, IO) for other in (SERVER, S3)]
    table.add(f"{name}: all", total("rounds", *everywhere), "round trips", ROUNDS_GOAL)
    both = [*everywhere, *(f"{other} {one}" for one in (API, workers, IO) for other in (SERVER, S3))]
    table.add(f"{name}: bytes", total("bytes", *both) / 1000, "KB")


def _counted(rig: Rig, work: Callable[[], object]) -> tuple[float, Figures]:
    rig.network.counts()
    began = time.monotonic()
    work()
    seconds, found = time.monotonic() - began, Figures()
    for kind, rows in rig.network.counts().items():
        for (one, other), number in rows.items():
            found[kind, f"{_role(one)} {_role(other)}"] += number
    return seconds, found


def _role(host: str) -> str:
    return "worker" if host in WORKER_HOSTS else host


def _less(measured: tuple[float, Figures], idle: tuple[float, Figures]) -> Figures:
    """Subtract what would have gone on anyway."""
    (seconds, figures), (idle_seconds, others) = measured, idle
    share = seconds / idle_seconds
    return Figures({name: max(0, number - share * others[name]) for name, number in figures.items()})


def _one_by_one(rig: Rig, kind: str) -> None:
    for number in range(JOBS):
        job = rig.client.jobs.create(rig.body(kind, number)).id
        rig.client.jobs.wait(job, timeout_seconds=WAITING_SECONDS)
        rig.client.jobs.download(job)


def _batch(rig: Rig, kind: str, items: int) -> None:
    run = rig.batch(kind, items)
    run.resume()
    wait_until(lambda: rig.ended(run) == items, "the batch", seconds=WAITING_SECONDS)
