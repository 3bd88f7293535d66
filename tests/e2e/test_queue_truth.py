"""The times that jobs are told in a real queue, against what then happens: its model waits for 50 ms."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from atelier.local.redis_server import EmbeddedServer
from bench.processes import running
from bench.service.noop_service import SLOTS, environ_of
from bench.service.noop_worker import CARD, write_card
from shared.batches.batch import BatchDraft, ItemDraft
from shared.batches.request import BatchSettings
from shared.batches.store import BatchStore
from shared.cards.card import Catalog, load_catalog
from shared.identifiers import new_batch_id, new_job_id
from shared.jobs.queries import JobQueries
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.owners.quota import QuotaStore
from shared.redis.client import connect
from shared.setting_groups import BatchRules, JobRules
from shared.specs.parts import Lane
from shared.specs.spec import JOB_SPEC, JobSpec, resolve, work_of
from shared.workers import Capacity
from tests.support.waiting import eventually

JOBS, ASKED = 400, 40  # jobs, and how many of them are asked for at once
PICTURES = (1, 2, 16)


class RealQueue:
    """A server and a worker, and owners' jobs in its queue."""

    def __init__(self, store: JobStore, catalog: Catalog) -> None:
        self.store, self.catalog = store, catalog
        self.queries, self.batches = JobQueries(store), BatchStore(store, BatchRules())
        self.quotas = QuotaStore(store.scripts, store.quotas)
        self.rng = random.Random(3)
        self.owners: dict[str, str] = {}
        self._seed = 0

    def _spec(self, lane: Lane) -> tuple[JobSpec, str]:
        self._seed += 100
        seeds = [self._seed + n for n in range(self.rng.choice(PICTURES))]
        asked = {"type": "generate", "model": CARD.name, "seeds": seeds, "lane": lane}
        spec = resolve(JOB_SPEC.validate_python(asked), self.catalog)
        return spec, work_of(spec, self.catalog.get(CARD.name))

    def submit(self, owner: str, lane: Lane) -> None:
        spec, work = self._spec(lane)
        job_id = self.store.submit(Submission(new_job_id(), owner, spec, "", work=work)).id
        self.owners[job_id] = owner

    def begin(self, owner: str, lane: Lane, items: int) -> None:
        batch, _ = self.batches.open(BatchDraft(new_batch_id(), owner, BatchSettings(lane=lane), "print"))
        drafts = [ItemDraft(f"n{n}", *self._spec(lane)) for n in range(items)]
        self.batches.append(batch.id, owner, drafts, first=0)
        self.owners |= {f"job_{batch.id.removeprefix('batch_')}-{n}": owner for n in range(items)}

    def waiting(self) -> list[str]:
        return self._with(Status.QUEUED)

    def _with(self, *statuses: Status) -> list[str]:
        with self.store.client.pipeline(transaction=False) as pipeline:
            for job_id in self.owners:
                pipeline.hget(f"atelier:job:{job_id}", "status")
            found = pipeline.execute()
        return [job_id for job_id, status in zip(self.owners, found, strict=True) if status in statuses]

    def is_done(self) -> bool:
        return not self._with(Status.QUEUED, Status.RUNNING)

    def told(self, job_id: str) -> float | None:
        waiting = self.queries.waiting(self.store.get(job_id, self.owners[job_id]), Capacity(SLOTS))
        return waiting.eta_seconds if waiting else None

    def done_at(self, job_id: str) -> float:
        return (self.store.get(job_id, self.owners[job_id]).completed_at or 0) / 1000


@pytest.fixture
def queue(server: EmbeddedServer, tmp_path: Path) -> Iterator[RealQueue]:
    environ = environ_of(tmp_path, server.url, write_card(tmp_path / "cards")) | {"NOOP_SECONDS": "0.05"}
    with (
        connect(server.url) as client,
        running(["bench.service.noop_worker"], environ, tmp_path / "worker.log"),
    ):
        yield RealQueue(JobStore(client, JobRules()), load_catalog(tmp_path / "cards"))


def is_near(told: float, true: float) -> bool:
    """Within a factor of one and a half; the time that is told has tenths of a second."""
    return true / 1.5 <= told + 0.1 and told - 0.1 <= true * 1.5


@pytest.mark.slow
def test_nine_in_ten_jobs_of_a_real_queue_are_told_their_time(queue: RealQueue) -> None:
    for _ in range(12):
        queue.submit("teacher", Lane.INTERACTIVE)
    eventually(queue.is_done, seconds=60)
    queue.owners.clear()
    queue.quotas.set("a", {"weight": 3})
    queue.quotas.set("b", {"running": 1})
    while len(queue.owners) < JOBS:
        owner, lane = queue.rng.choice("abc"), queue.rng.choice(list(Lane))
        queue.begin(owner, lane, 30) if queue.rng.random() < 0.15 else queue.submit(owner, lane)
    told = []
    while waiting := queue.waiting():
        for job_id in queue.rng.sample(waiting, min(ASKED, len(waiting))):
            seconds = queue.told(job_id)
            told += [] if seconds is None else [(job_id, seconds, time.time())]
        time.sleep(1)
    eventually(queue.is_done, seconds=60)
    near = [is_near(seconds, queue.done_at(job_id) - at) for job_id, seconds, at in told]
    assert len(near) > 2 * ASKED
    assert sum(near) >= 0.9 * len(near)
