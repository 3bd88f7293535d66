"""Digits and photos as batches through the whole service, against the bare models in a loop.

Ten thousand digits: a job each, many a job, one plain Celery task each, and the bare model. Photos are
uploaded beforehand and their results stay in the service; the loop has decoded photos in memory, knows the
style, and keeps no results. The limit is a loop with one thread for each core, all at once.
"""

from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from atelier import Client
from atelier.client.request_parts import Grid, Style
from atelier.client.requests import GenerateRequest, StylizeRequest
from atelier.local.stack import RunningStack
from bench.bulk.contenders import Contenders
from bench.loops import Limit, Loop, fastest
from bench.measuring import Goal, Table, timed
from bench.photos import photo, style
from bench.processes import cpu_seconds, resident_mebibytes, with_children

TASKS_GOAL = Goal(20.0, at_least=True)
PHOTOS_GOAL = Goal(0.95, at_least=True)
LIMIT_GOAL = Goal(0.85, at_least=True)
SIDE = 384  # of the photos, pixels
TRIAL = 20  # photos to choose the loop's threads by
MODEL_GOAL = Goal(0.8, at_least=True)
TASKS = 100  # of plain Celery a round: each digit takes it as long as the last
ROUNDS = 3
A_JOB = 256  # digits: the most that a job takes
TASK = f"plain Celery, a task a digit, {TASKS} a turn"
SINGLY = "Atelier, a job a digit"
BARE = "the bare model, sixteen a call"
SHEETS = f"Atelier, {A_JOB} a job, on one sheet"
FILES = f"Atelier, {A_JOB} a job, a file each"

_seeds = count(10**6, 10**6)  # no digit is drawn twice


def compare_digits(stack: RunningStack, contenders: Contenders, folder: Path, digits: int) -> Table:
    """Compare digits a second, in turns, and measure the worker's memory."""
    table = Table(f"{digits:,} digits")
    out = folder / "digits"
    out.mkdir()
    rates: dict[str, list[float]] = {}
    memory: list[float] = []
    with stack.client() as client, ExitStack() as processes:
        trial = [(seed,) for seed in range(A_JOB)]
        bare, _ = fastest(processes, "bare-digits", stack.folder / "models", trial=trial)
        actions = _actions(client, contenders, bare, digits // ROUNDS, out)
        contenders.celery_digits(range(8), out)
        _singly(client, 64)
        for _ in range(ROUNDS):
            for name, (drawn, action) in actions.items():
                rates.setdefault(name, []).append(drawn / timed(action))
            memory.append(resident_mebibytes(stack.pid_of("worker")))
    _report(table, rates)
    table.add("worker, resident after the first round", memory[0], "MiB")
    table.add("worker, resident after the last", memory[-1], "MiB")
    return table


def _actions(
    client: Client, contenders: Contenders, bare: Loop, share: int, out: Path
) -> dict[str, tuple[int, Callable[[], object]]]:
    """Return each contender by name: how many digits it draws in a turn, and how."""
    jobs = -(-share // (2 * A_JOB))  # the half is enough to measure their rate
    drawn = jobs * A_JOB
    return {
        TASK: (TASKS, lambda: contenders.celery_digits(range(TASKS), out)),
        SINGLY: (share, lambda: _singly(client, share)),
        BARE: (drawn, lambda: bare.seconds([(seed,) for seed in range(drawn)])),
        SHEETS: (drawn, lambda: _by_many(client, jobs, Grid(columns=16))),
        FILES: (drawn, lambda: _by_many(client, jobs, None)),
    }


def _report(table: Table, rates: dict[str, list[float]]) -> None:
    for name, values in rates.items():
        table.add(name, median(values), "/s")
    for ours, baseline, goal in ((SINGLY, TASK, TASKS_GOAL), (SHEETS, BARE, MODEL_GOAL), (FILES, BARE, None)):
        ratios = [one / other for one, other in zip(rates[ours], rates[baseline], strict=True)]
        table.add(f"{ours} / {baseline}", median(ratios), "x", goal)


def _singly(client: Client, digits: int) -> None:
    """Draw digits as jobs of one, of one template."""
    first = next(_seeds)
    seeds = {"from": first, "to": first + digits - 1}
    _finish(client, digits, template={"type": "generate", "multiply": {"seed": seeds}})


def _by_many(client: Client, jobs: int, grid: Grid | None) -> None:
    """Draw digits as jobs of as many as a job takes."""
    first = next(_seeds)
    starts = range(first, first + jobs * A_JOB, A_JOB)
    _finish(client, jobs, [GenerateRequest(seed=start, count=A_JOB, grid=grid) for start in starts])


def _finish(client: Client, jobs: int, *items: Any, **template: Any) -> None:
    batch = client.batches.create(*items, **template).wait()
    if batch.counts["succeeded"] != jobs:
        raise RuntimeError(f"of {jobs} jobs: {batch.counts}")


def compare_with_model(stack: RunningStack, size: int, rounds: int) -> Table:
    """Take turns; compare the pictures a second of each pair of rounds."""
    table = Table(f"Photos of {SIDE} x {SIDE} as batches, {rounds} rounds of {size} each contender")
    with stack.client() as client, ExitStack() as processes:
        files = [client.files.upload(photo(number, SIDE)) for number in range(rounds * size)]
        look = client.files.upload(style())
        _through(client, files[:TRIAL], look)
        trial = [(number,) for number in range(TRIAL)]
        bare, _ = fastest(processes, "bare-stylizer", stack.folder / "models", SIDE, trial=trial)
        limit = processes.enter_context(Limit("bare-stylizer", stack.folder / "models", SIDE))
        limit.seconds(trial)
        alone, through, most, cpu = [], [], [], []
        for start in range(0, rounds * size, size):
            numbers = [(number,) for number in range(start, start + size)]
            alone.append(size / bare.seconds(numbers))
            most.append(size / limit.seconds(numbers))
            before = _cpu_seconds(stack)
            through.append(size / timed(lambda: _through(client, files[start : start + size], look)))  # noqa: B023
            cpu.append((_cpu_seconds(stack) - before) / size)
    table.add("bare model", median(alone), "/s")
    table.add("through the service", median(through), "/s")
    table.add("through the service: processor time a picture", 1000 * median(cpu), "ms")
    ratios = [ours / theirs for ours, theirs in zip(through, alone, strict=True)]
    table.add("service / bare model: median", median(ratios), "x", PHOTOS_GOAL)
    table.add("service / bare model: best round", max(ratios), "x")
    table.add(limit.name, median(most), "/s")
    shares = [ours / theirs for ours, theirs in zip(through, most, strict=True)]
    table.add("service / limit: median", median(shares), "x", LIMIT_GOAL)
    return table


def _through(client: Client, files: list[str], look: str) -> None:
    batch = client.batches.create(
        StylizeRequest(content=file, styles=[Style(image=look)]) for file in files
    ).wait()
    if batch.counts["succeeded"] != len(files):
        raise RuntimeError(f"of {len(files)} photos: {batch.counts}")


def _cpu_seconds(stack: RunningStack) -> float:
    return cpu_seconds(*(pid for process in stack.processes().values() for pid in with_children(process)))
