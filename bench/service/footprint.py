"""What an installation costs at rest: memory of its processes and seconds until it is ready.

Memory is resident, with the mapped pages of files such as libraries; the private part is stated beside it.

Usage: python -m bench.service.footprint
"""

import argparse
import tempfile
from pathlib import Path

from atelier.local.stack import RunningStack
from bench.measuring import Goal, Table, timed
from bench.processes import (
    peak_mebibytes,
    private_mebibytes,
    proportional_mebibytes,
    resident_mebibytes,
    with_children,
)
from bench.service.pipeline import StylizeClient

API_GOAL = Goal(120)
WORKER_GOAL = Goal(900)
START_GOAL = Goal(20)
JOBS = 50
SIDE = 384


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    table = Table("Footprint of one installation")
    with tempfile.TemporaryDirectory() as folder:
        stack = RunningStack(Path(folder))
        try:
            table.add("first start ever, models pulled, to ready", timed(stack.start), "s")
            stack.stop()
            table.add("start to ready", timed(stack.start), "s", START_GOAL)
            measure_memory(stack, table)
        finally:
            stack.stop()
    table.print()


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
