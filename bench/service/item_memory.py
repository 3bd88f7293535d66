"""What an item of a batch takes of the job store's memory, while it waits and after it has ended.

Usage: python -m bench.service.item_memory [--items N]
"""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atelier.local.redis_server import EmbeddedServer
from bench.measuring import Table
from shared.batches.batch import BatchDraft, ItemDraft
from shared.batches.request import BatchSettings
from shared.batches.store import BatchStore
from shared.identifiers import ANONYMOUS, new_batch_id
from shared.jobs.job import StoredOutput
from shared.jobs.store import JobStore
from shared.redis.client import connect
from shared.setting_groups import BatchRules, JobRules
from shared.specs.spec import JOB_SPEC

DIGIT = {"type": "generate", "model": "mnist-dcgan", "lane": "bulk", "truncation": 1.0, "count": 1}
LATENTS = {**DIGIT, "truncation": None, "count": None, "latents": [[0.123456789012345] * 100] * 256}
TEMPLATES = {
    "a digit from a seed": DIGIT,
    "the same with 8 KB of metadata": {**DIGIT, "metadata": {str(n): "x" * 512 for n in range(16)}},
    "502 KB of latents": LATENTS,
}
MOST_BYTES = 100_000_000  # of one template, written out for each item
OUTPUT = StoredOutput("outputs/job/1/0.png", "image/png", 28, 28, 900, "0" * 64)
PAGE = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000, help="items of a batch, at most")
    given = parser.parse_args()
    table = Table("Memory of the job store for an item of a batch")
    for name, template in TEMPLATES.items():
        size = len(JOB_SPEC.validate_python(template).model_dump_json(exclude_none=True))
        items = min(given.items, max(50, MOST_BYTES // size))
        waiting, ended = measure(template, items)
        table.add(f"{name}: waits", waiting / 1000, "KB")
        table.add(f"{name}: has ended", ended / 1000, "KB")
    table.print()


def measure(template: Mapping[str, Any], items: int) -> tuple[float, float]:
    """Return the bytes of an item of a batch, while it waits and after it has ended."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder)) as server:
        client = connect(server.url)
        store = JobStore(client, JobRules())
        batches = BatchStore(store, BatchRules(max_record_mebibytes=4096))
        empty = used(client)
        batch, _ = batches.open(BatchDraft(new_batch_id(), ANONYMOUS, BatchSettings(), "print"))
        for first in range(0, items, PAGE):
            drafts = [draft(template, number) for number in range(first, min(first + PAGE, items))]
            batches.append(batch.id, ANONYMOUS, drafts, first=first)
        waiting = used(client) - empty
        while jobs := store.claim_next("worker", most=16):
            for job in jobs:
                store.succeed(
                    job.id, job.attempt, outputs=(OUTPUT,), timings={"predict": 0.1}, model=("1", "d")
                )
        return waiting / items, (used(client) - empty) / items


def draft(template: Mapping[str, Any], number: int) -> ItemDraft:
    """Return the item of a template with this number."""
    own = {} if "latents" in template else {"seed": number}
    return ItemDraft(f"{number:05d}", JOB_SPEC.validate_python({**template, **own}), "mnist-dcgan:20")


def used(client: Any) -> int:
    """Return the bytes that the server uses for data."""
    memory = client.info("memory")
    return int(memory["used_memory"]) - int(memory["mem_not_counted_for_evict"])


if __name__ == "__main__":
    main()
