"""Workers as people read them in a terminal."""

from collections.abc import Iterable, Sequence

from rich.text import Text

from atelier.client.queue.workers import Worker
from atelier.display.table import Table
from atelier.display.time_format import say_moment

COLORS = {"active": "green", "draining": "cyan", "cordoned": "yellow", "drained": "yellow", "gone": "red"}
GIBIBYTE = 2**30


def worker_table(workers: Iterable[Worker]) -> Table:
    """Return a row for each worker: what it does, how large it is, and what is remarkable."""
    table = Table("worker", "state", "running", "at most", "memory", "labels", "models", "remarks")
    for worker in workers:
        state = Text(worker.state, COLORS.get(worker.state, ""))
        memory = f"{worker.memory_bytes / GIBIBYTE:.3g} GiB" if worker.memory_bytes else ""
        models = ", ".join(worker.available if worker.available is not None else worker.loaded)
        counts = (str(worker.running), str(worker.slots))
        table.add(worker.name, state, *counts, memory, ", ".join(worker.labels), models, _remarks(worker))
    return table


def say_running(workers: Sequence[Worker]) -> str:
    """Return how many jobs workers still run."""
    left = [f"{worker.name} {worker.running}" for worker in workers if worker.running]
    return f"jobs that run: {', '.join(left)}" if left else "no job runs there any more"


def _remarks(worker: Worker) -> str:
    remarks = [", ".join(worker.numerics)] if worker.numerics else []
    if worker.lane:
        remarks.append(f"serves {worker.lane} alone")
    if worker.cordon:
        why = f": {worker.cordon.reason}" if worker.cordon.reason else ""
        remarks.append(f"since {say_moment(worker.cordon.at)} by {worker.cordon.by}{why}")
    if worker.disk_full:
        remarks.append("its disk is full")
    if len(worker.processes) > 1:
        remarks.append(f"{len(worker.processes)} processes have this name")
    return "; ".join(remarks)
