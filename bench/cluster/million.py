"""A million items that wait, on the record store alone: what they take, and what each step takes behind them.

Two servers take turns, one that holds very few items and one that holds them all: no API, no worker, no
model, and no network. What a step takes of the server's one thread says how many a second there can be.

Usage: python -m bench.cluster.million [--items N] [--turns N]
"""

import argparse
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from atelier.local.redis_server import EmbeddedServer, wait_for_server
from bench.measuring import Goal, Table, percentile, timed
from bench.processes import wait_until
from bench.service.item_memory import DIGIT, OUTPUT, used
from shared.batches.batch import BatchDraft, ItemDraft
from shared.batches.request import BatchSettings
from shared.batches.store import BatchStore
from shared.identifiers import ANONYMOUS, new_batch_id, new_job_id
from shared.jobs.job import Job
from shared.jobs.listing import JobFilter
from shared.jobs.queries import JobQueries
from shared.jobs.stats import read_stats
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.redis.client import connect
from shared.setting_groups import BatchRules, JobRules
from shared.specs.parts import Lane
from shared.specs.spec import JOB_SPEC
from shared.workers import Capacity, Worker

FEW = 2_000
IN_A_BATCH, PAGE, TOGETHER = 50_000, 50, 16
OWNERS = (ANONYMOUS, "anna", "bert", "cara")
SAMPLES = 60  # of each step in a turn
SLOTS = 16
WORKERS = [Worker("worker", SLOTS, ())]
RATIO_GOAL, READ_GOAL = Goal(1.5), Goal(20.0)  # milliseconds
GIBIBYTE, MEBIBYTE = 1024**3, 1024**2
REWRITE_SECONDS = 300.0
SPEC = JOB_SPEC.validate_python(DIGIT)

Step = Callable[[], object]


class Records:
    """A record store, and the steps that are measured on it."""

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedServer(folder)
        self.server.start()
        self.client = connect(self.server.url, timeout_seconds=60)
        self._store = JobStore(
            self.client, JobRules(bulk_patience_seconds=3600)
        )  # so that lanes keep their order
        self._queries = JobQueries(self._store)
        self._batches = BatchStore(self._store, BatchRules(max_record_mebibytes=4096))
        self._latest = ""
        self._claimed: deque[list[Job]] = deque()

    def stop(self) -> None:
        """End the server that runs now."""
        self.server.stop()

    def fill(self, items: int) -> None:
        """Add batches of digits, owner by owner."""
        for number, first in enumerate(range(0, items, IN_A_BATCH)):
            owner = OWNERS[number % len(OWNERS)]
            draft = BatchDraft(new_batch_id(), owner, BatchSettings(), "print")
            batch, _ = self._batches.open(draft)
            self._append(batch.id, owner, min(IN_A_BATCH, items - first))
            self._latest = batch.id if owner == ANONYMOUS else self._latest

    def _append(self, batch_id: str, owner: str, items: int) -> None:
        for first in range(0, items, PAGE):
            drafts = [_draft(number) for number in range(first, min(first + PAGE, items))]
            self._batches.append(batch_id, owner, drafts, first=first)

    def steps(self) -> Mapping[str, Step]:
        """Return what is measured, in an order in which each finds something to do."""
        waiting, nobody = JobFilter(status=Status.QUEUED), JobFilter(metadata=("customer", "nobody"))
        return {
            "accept a job": self._submit,
            "claim one": lambda: self._claim(1),
            "end one": self._end,
            f"claim {TOGETHER} items": lambda: self._claim(TOGETHER),
            f"end {TOGETHER} items": self._end,
            f"add {TOGETHER} items": self._add,
            "a page of items that wait": lambda: self._page(waiting),
            "a page of a filter that admits nothing": lambda: self._page(nobody),
            "the numbers of the queue": lambda: read_stats(self._store.scripts, WORKERS),
            "the place of a batch": self._place,
            "a pass of the reaper": self._store.reap,
        }

    def _submit(self) -> None:
        self._store.submit(
            Submission(new_job_id(), ANONYMOUS, SPEC.model_copy(update={"lane": Lane.INTERACTIVE}), "")
        )

    def _claim(self, most: int) -> None:
        self._claimed.append(self._store.claim_next("worker", most=most))
        assert self._claimed[-1], "nothing waits any more"

    def _end(self) -> None:
        for job in self._claimed.popleft():
            self._store.succeed(
                job.id, job.attempt, outputs=(OUTPUT,), timings={"predict": 0.1}, model=("1", "d")
            )

    def _add(self) -> None:
        draft = BatchDraft(new_batch_id(), ANONYMOUS, BatchSettings(), "print")
        batch, _ = self._batches.open(draft)
        self._append(batch.id, ANONYMOUS, TOGETHER)

    def _page(self, only: JobFilter) -> None:
        self._queries.page(ANONYMOUS, only, items=True)

    def _place(self) -> None:
        self._batches.waiting(self._batches.get(self._latest, ANONYMOUS), Capacity(SLOTS))

    def spent(self) -> float:
        """Return the processor seconds of the server so far."""
        found = self.client.info("cpu")
        return float(found["used_cpu_user_main_thread"]) + float(found["used_cpu_sys_main_thread"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=12)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        few, many = (Records(Path(folder) / name) for name in ("few", "many"))
        for records in (few, many):
            stack.callback(records.stop)
        few.fill(FEW)
        filling(many, given.items).print()
        steps(few, many, given.items, given.turns).print()
        ends(many, Path(folder) / "many").print()


def filling(records: Records, items: int) -> Table:
    """Fill a store, and say what the items take."""
    empty, before = used(records.client), records.spent()
    seconds = timed(lambda: records.fill(items))
    table = Table(f"{items:,} items that wait, digits from seeds")
    size = used(records.client) - empty
    table.add("memory of the server", size / GIBIBYTE, "GiB")
    table.add("memory an item", size / items, "bytes")
    table.add("accepted a second, by one process without HTTP", items / seconds, "/s")
    table.add(
        "processor time of the server, an item accepted", 1e6 * (records.spent() - before) / items, "us"
    )
    return table


def steps(few: Records, many: Records, items: int, turns: int) -> Table:
    """Time every step on both stores in turns."""
    table = Table(
        f"Steps before {items:,} items and before {FEW:,}, p99 of {turns * SAMPLES}; server's processor time"
    )
    times: dict[tuple[str, int], list[float]] = defaultdict(list)
    spent: dict[tuple[str, int], float] = defaultdict(float)
    for _ in range(turns):
        for side, records in enumerate((few, many)):
            _turn(records, side, times, spent)
    for name in many.steps():
        before, after = (1000 * percentile(times[name, side], 99) for side in (0, 1))
        table.add(f"{name}: p99 before {FEW:,}", before, "ms")
        table.add(f"{name}: p99 before {items:,}", after, "ms", READ_GOAL)
        medians = [percentile(times[name, side], 50) for side in (0, 1)]
        table.add(f"{name}: medians, many / few", medians[1] / medians[0], "x", RATIO_GOAL)
        table.add(f"{name}: of the server's thread", 1e6 * spent[name, 1] / len(times[name, 1]), "us")
    return table


def _turn(
    records: Records,
    side: int,
    times: dict[tuple[str, int], list[float]],
    spent: dict[tuple[str, int], float],
) -> None:
    """Time each step many times in a row, so that the clock of the server's processor is fine enough."""
    for name, step in records.steps().items():
        before = records.spent()
        times[name, side] += [timed(step) for _ in range(SAMPLES)]
        spent[name, side] += records.spent() - before


def ends(records: Records, folder: Path) -> Table:
    """Measure what grows with all that is stored: rewriting the journal, and a start with it."""
    table = Table("What grows with all records")
    client = records.client
    client.bgrewriteaof()
    wait_until(lambda: not _rewrites(client), "the journal", seconds=REWRITE_SECONDS)
    memory, persistence = client.info("memory"), client.info("persistence")
    table.add("memory that the records take", int(memory["used_memory"]) / GIBIBYTE, "GiB")
    table.add("journal after its rewriting", int(persistence["aof_base_size"]) / GIBIBYTE, "GiB")
    table.add("rewriting it", int(persistence["aof_last_rewrite_time_sec"]), "s")
    table.add("memory copied meanwhile", int(persistence["aof_last_cow_size"]) / MEBIBYTE, "MiB")
    table.add("nothing is served while it forks", int(client.info("stats")["latest_fork_usec"]) / 1000, "ms")
    records.server.kill()
    began = time.monotonic()
    records.server = EmbeddedServer(folder)
    try:
        records.server.start()
    except TimeoutError:
        wait_for_server(records.server.url, seconds=REWRITE_SECONDS)
    table.add("from a crash until it serves again", time.monotonic() - began, "s")
    return table


def _rewrites(client: Any) -> bool:
    found = client.info("persistence")
    return bool(int(found["aof_rewrite_in_progress"]) or int(found["aof_rewrite_scheduled"]))


def _draft(number: int) -> ItemDraft:
    spec = SPEC.model_copy(update={"seed": number, "lane": Lane.BULK})
    return ItemDraft(f"{number:05d}", spec, "mnist-dcgan:20")


if __name__ == "__main__":
    main()
