"""Ten thousand digits: a job each, many a job, one plain Celery task each, and the bare model."""

from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from atelier import Client
from atelier.client.request_parts import Grid
from atelier.client.requests import GenerateRequest
from atelier.local.stack import RunningStack
from bench.bulk.loops import Loop
from bench.bulk.ways import Ways
from bench.measuring import Goal, Table, timed
from bench.processes import resident_mebibytes

TASKS_GOAL = Goal(10.0, at_least=True)
MODEL_GOAL = Goal(0.8, at_least=True)
TASKS = 100  # of plain Celery a round: each digit takes it as long as the last
ROUNDS = 3
THREADS = (0, 1)
A_JOB = 256  # digits: the most that a job takes
TASK = f"plain Celery, a task a digit, {TASKS} a turn"
SINGLY = "Atelier, a job a digit"
BARE = "the bare model, sixteen a call"
SHEETS = f"Atelier, {A_JOB} a job, on one sheet"
FILES = f"Atelier, {A_JOB} a job, a file each"

_seeds = count(10**6, 10**6)  # no digit is drawn twice


def compare_digits(stack: RunningStack, ways: Ways, folder: Path, digits: int) -> Table:
    """Compare digits a second, in turns, and look at the worker's memory."""
    table = Table(f"{digits:,} digits")
    out = folder / "digits"
    out.mkdir()
    rates: dict[str, list[float]] = {}
    memory: list[float] = []
    with stack.client() as client, ExitStack() as processes:
        actions = _actions(client, ways, _fastest(processes, stack), digits // ROUNDS, out)
        ways.celery_digits(range(8), out)
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
    client: Client, ways: Ways, bare: Loop, share: int, out: Path
) -> dict[str, tuple[int, Callable[[], object]]]:
    """Return each way by name: how many digits it draws in a turn, and how."""
    jobs = -(-share // (2 * A_JOB))  # the half is enough to see their pace
    drawn = jobs * A_JOB
    return {
        TASK: (TASKS, lambda: ways.celery_digits(range(TASKS), out)),
        SINGLY: (share, lambda: _singly(client, share)),
        BARE: (drawn, lambda: bare.seconds([(seed,) for seed in range(drawn)])),
        SHEETS: (drawn, lambda: _by_many(client, jobs, Grid(columns=16))),
        FILES: (drawn, lambda: _by_many(client, jobs, None)),
    }


def _report(table: Table, rates: dict[str, list[float]]) -> None:
    for name, values in rates.items():
        table.add(name, median(values), "/s")
    for ours, rival, goal in ((SINGLY, TASK, TASKS_GOAL), (SHEETS, BARE, MODEL_GOAL), (FILES, BARE, None)):
        ratios = [one / other for one, other in zip(rates[ours], rates[rival], strict=True)]
        table.add(f"{ours} / {rival}", median(ratios), "x", goal)


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


def _fastest(processes: ExitStack, stack: RunningStack) -> Loop:
    models, trial = stack.folder / "models", [(seed,) for seed in range(256)]
    ways = [processes.enter_context(Loop("bare-digits", models, threads)) for threads in THREADS]
    for way in ways:
        way.seconds(trial)
    return min(ways, key=lambda bare: bare.seconds(trial))
