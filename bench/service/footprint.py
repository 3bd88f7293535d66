"""What an installation costs at rest: memory of its processes, seconds until it is ready, and where they go.

Ready means that the API answers and a worker takes jobs, its models warm. The first start has a new folder
for its data; models that were exported at the installation are copied there, else they are built. On a busy
machine look at the ratios: a bare `import tensorflow` runs in the same minutes.

Usage: python -m bench.service.footprint
"""

import argparse
import tempfile
from pathlib import Path

from atelier.local.stack import RunningStack
from bench.measuring import Goal, Table
from bench.processes import (
    peak_mebibytes,
    private_mebibytes,
    proportional_mebibytes,
    resident_mebibytes,
    with_children,
)
from bench.service.pipeline import StylizeClient
from bench.service.start_up import add_start, bare_import, start
from worker.models.prebuilt import prebuilt_store

API_GOAL = Goal(120)
WORKER_GOAL = Goal(900)
FIRST_START_GOAL = Goal(8)
START_GOAL = Goal(4)
JOBS = 50
SIDE = 384


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    table = Table("Footprint of one installation")
    with tempfile.TemporaryDirectory() as folder:
        stack = RunningStack(Path(folder), start_seconds=900)
        try:
            measure_starts(stack, table)
            measure_memory(stack, table)
        finally:
            stack.stop()
    table.print()


def measure_starts(stack: RunningStack, table: Table) -> None:
    """The first start and a later one, each beside a bare import; the installation runs then."""
    bare_import()  # so that its files are in memory
    bare = bare_import()
    table.add("bare import of TensorFlow", bare.seconds, "s")
    exported = "models exported before" if prebuilt_store() else "models built"
    add_start(table, f"first start, {exported}", start(stack), bare, FIRST_START_GOAL)
    stack.stop()
    bare = bare_import()
    table.add("bare import of TensorFlow", bare.seconds, "s")
    add_start(table, "later start", start(stack), bare, START_GOAL)


def measure_memory(stack: RunningStack, table: Table) -> None:
    """Memory when the installation is ready, and after some jobs."""
    worker = stack.pid_of("worker")
    table.add("worker, models warm: resident", resident_mebibytes(worker), "MiB", WORKER_GOAL)
    table.add("worker, models warm: private", private_mebibytes(worker), "MiB")
    table.add("worker, its peak while starting", peak_mebibytes(worker), "MiB")
    _work(stack)
    done = f"worker, after {JOBS} stylizations and {JOBS} digits"
    table.add(f"{done}: resident", resident_mebibytes(worker), "MiB", WORKER_GOAL)
    table.add(f"{done}: private", private_mebibytes(worker), "MiB")
    table.add(f"{done}: peak", peak_mebibytes(worker), "MiB")
    api = with_children(stack.pid_of("api"))
    table.add(f"API, {len(api)} processes: resident", resident_mebibytes(*api), "MiB", API_GOAL)
    table.add("API: proportional", proportional_mebibytes(*api), "MiB")
    table.add("io worker: resident", resident_mebibytes(stack.pid_of("worker-io")), "MiB")
    table.add("job store: resident", resident_mebibytes(stack.pid_of("redis")), "MiB")


def _work(stack: RunningStack) -> None:
    client = StylizeClient(stack.url, SIDE)
    client.stylize(client.upload(0, JOBS))
    for seed in range(JOBS):
        client.generate(seed)


if __name__ == "__main__":
    main()
