"""Ten thousand digits: a job each, many a job, one plain Celery task each, and the bare model."""

from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from atelier import Client
from atelier.requests import GenerateRequest, Grid
from atelier.stack import RunningStack
from bench.bulk_ways import Ways
from bench.loops import Loop
from bench.measuring import Goal, Table, timed
from bench.processes import resident_mebibytes

TASKS_GOAL = Goal(10.0, at_least=True)
MODEL_GOAL = Goal(0.8, at_least=True)
TASKS = 100  # of plain Celery a round: each digit takes it as long as the last
ROUNDS = 3
THREADS = (0, 1)
A_JOB = 256  # digits: the most that a job takes


def compare_digits(stack: RunningStack, ways: Ways, folder: Path, digits: int) -> Table:
    """Compare digits a second; both rivals' rounds lie before, between and after Atelier's."""
    table = Table(f"{digits:,} digits")
    tasks, jobs = min(digits, TASKS), -(-digits // A_JOB)
    seeds = iter(range(10**6, 10**9, digits))
    out = folder / "digits"
    out.mkdir()
    with stack.client() as client, ExitStack() as processes:
        bare = _fastest(processes, stack)
        ways.celery_digits(range(4 * len(THREADS)), out)
        singly(client, next(seeds), 64)
        rates: dict[str, list[float]] = {"tasks": [], "jobs": [], "sheets": [], "files": [], "bare": []}
        memory: list[float] = []
        for number in range(ROUNDS):
            share = digits // ROUNDS
            rates["tasks"].append(
                tasks / ways.celery_digits(range(number * tasks, (number + 1) * tasks), out)
            )
            rates["jobs"].append(share / timed(lambda: singly(client, next(seeds), share)))  # noqa: B023
            rates["bare"].append(share / bare.seconds([(seed,) for seed in range(share)]))
            many = -(-jobs // (2 * ROUNDS))
            for name, grid in (("sheets", Grid(columns=16)), ("files", None)):
                seconds = timed(lambda: by_many(client, next(seeds), many, grid))  # noqa: B023
                rates[name].append(many * A_JOB / seconds)
            memory.append(resident_mebibytes(stack.pid_of("worker")))
    _report(table, rates)
    table.add("worker, resident after the first round", memory[0], "MiB")
    table.add("worker, resident after the last", memory[-1], "MiB")
    return table


def _report(table: Table, rates: dict[str, list[float]]) -> None:
    named = {
        "tasks": f"plain Celery tasks, {TASKS} a round",
        "jobs": "Atelier, a job each",
        "sheets": f"Atelier, {A_JOB} a job, on a sheet",
        "files": f"Atelier, {A_JOB} a job, a file each",
        "bare": "the bare model, sixteen a call",
    }
    for key, name in named.items():
        table.add(name, median(rates[key]), "/s")
    for ours, rival, goal in (
        ("jobs", "tasks", TASKS_GOAL),
        ("sheets", "bare", MODEL_GOAL),
        ("files", "bare", None),
    ):
        ratios = [one / other for one, other in zip(rates[ours], rates[rival], strict=True)]
        table.add(f"{named[ours]} / {named[rival]}", median(ratios), "x", goal)


def singly(client: Client, first: int, digits: int) -> None:
    """Draw digits as jobs of one, of one template."""
    seeds = {"from": first, "to": first + digits - 1}
    template = {"type": "generate", "multiply": {"seed": seeds}}
    _finish(client, digits, template=template)


def by_many(client: Client, first: int, jobs: int, grid: Grid | None) -> None:
    """Draw digits as jobs of as many as a job takes."""
    starts = range(first, first + jobs * A_JOB, A_JOB)
    _finish(client, jobs, [GenerateRequest(seed=start, count=A_JOB, grid=grid) for start in starts])


def _finish(client: Client, count: int, *items: Any, **template: Any) -> None:
    batch = client.batch(*items, **template).wait()
    if batch.counts["succeeded"] != count:
        raise RuntimeError(f"of {count} jobs: {batch.counts}")


def _fastest(processes: ExitStack, stack: RunningStack) -> Loop:
    models, trial = stack.folder / "models", [(seed,) for seed in range(256)]
    ways = [processes.enter_context(Loop("bare-digits", models, threads)) for threads in THREADS]
    for way in ways:
        way.seconds(trial)
    return min(ways, key=lambda bare: bare.seconds(trial))
