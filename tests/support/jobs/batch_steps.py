"""Steps of batches that tests of the store share."""

from shared.batches.batch import BatchDraft, ItemDraft
from shared.batches.request import BatchSettings
from shared.batches.store import BatchStore
from shared.errors import AtelierError
from shared.identifiers import ANONYMOUS, new_batch_id
from shared.jobs.job import Job
from shared.jobs.store import JobStore
from shared.specs.spec import JOB_SPEC
from tests.support.jobs.job_steps import OUTPUT

DIGIT = {"type": "generate", "model": "mnist-dcgan", "lane": "bulk", "truncation": 1.0}


def draft(owner: str = ANONYMOUS, **more: object) -> BatchDraft:
    return BatchDraft(new_batch_id(), owner, BatchSettings(), "print", **more)  # type: ignore[arg-type]


def items(count: int, first: int = 0, **spec: object) -> list[ItemDraft]:
    return [
        ItemDraft(f"n{n}", JOB_SPEC.validate_python({**DIGIT, "seeds": [n], **spec}))
        for n in range(first, first + count)
    ]


def begin(batches: BatchStore, count: int, owner: str = ANONYMOUS, *, ready: BatchDraft | None = None) -> str:
    batch, _ = batches.open(ready or draft(owner))
    batches.append(batch.id, owner, items(count), first=0)
    return batch.id


def finish(store: JobStore, job: Job) -> None:
    store.succeed(job.id, job.attempt, outputs=(OUTPUT,), timings={}, model=("1", "d"))


def fail(store: JobStore, job: Job) -> None:
    store.fail(job.id, job.attempt, AtelierError("no"))


def drain(store: JobStore) -> list[Job]:
    jobs: list[Job] = []
    while claimed := store.claim_next("w", most=16):
        jobs += claimed
    return jobs


def counts(batches: BatchStore, batch_id: str) -> dict[str, int]:
    return {name: n for name, n in batches.get(batch_id, ANONYMOUS).counts.items() if n}
