"""A queue by a clock that the test sets: the real scripts decide, and workers take the time that they need.

What each waiting job was told is kept beside what then happened.
"""

import heapq
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.batches.batch import BatchDraft, ItemDraft
from shared.batches.request import BatchSettings
from shared.batches.store import BatchStore
from shared.identifiers import new_batch_id
from shared.jobs.job import Job
from shared.jobs.queries import JobQueries
from shared.jobs.store import JobStore
from shared.owners.quota import QuotaStore
from shared.pauses.model_limits import ModelLimits
from shared.setting_groups import BatchRules
from shared.specs.parts import Lane
from shared.specs.spec import JOB_SPEC, JobSpec, parted
from shared.workers import Worker, capacity_of
from tests.support.jobs.batch_steps import finish
from tests.support.jobs.job_steps import submit
from tests.support.jobs.server_clock import Clock


@dataclass(frozen=True)
class Kind:
    """A kind of work, and the mean seconds for which it keeps a slot busy."""

    work: str
    seconds: float


@dataclass(frozen=True)
class Told:
    """What a waiting job was told, and what then happened. Times are in seconds from then on."""

    job: str
    position: int | None
    eta: float | None
    started: int  # jobs that had started, this one included
    done: float


@dataclass
class SimulatedQueue:
    """Workers with slots. A job takes 0.8 to 1.25 times the seconds of its kind."""

    store: JobStore
    clock: Clock
    workers: Sequence[Worker]
    rng: random.Random
    kinds: dict[str, Kind] = field(default_factory=dict)  # by job
    owners: dict[str, str] = field(default_factory=dict)  # by job that has not ended
    told: list[tuple[str, int | None, float | None, float, int]] = field(default_factory=list)
    batch_etas: list[tuple[str, float | None, float]] = field(default_factory=list)
    started: dict[str, int] = field(default_factory=dict)  # how many had started, by job
    done: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.queries = JobQueries(self.store)
        self.batches = BatchStore(self.store, BatchRules())
        self.quotas = QuotaStore(self.store.scripts, self.store.quotas)
        self.model_limits = ModelLimits(self.store.scripts)
        self._running: list[tuple[float, str, Job, str]] = []
        self._free = {worker.id: worker.slots for worker in self.workers}
        self._seed = 0

    def _spec(self, lane: Lane, kind: Kind) -> JobSpec:
        self._seed += 1
        model = parted(kind.work)[0]
        asked = {"type": "generate", "model": model, "truncation": 1.0, "seeds": [self._seed]}
        return JOB_SPEC.validate_python({**asked, "lane": lane})

    def submit(self, owner: str, lane: Lane, kind: Kind) -> None:
        """Accept a job."""
        self._note(submit(self.store, owner=owner, spec=self._spec(lane, kind), work=kind.work), owner, kind)

    def begin(self, owner: str, lane: Lane, kinds: Sequence[Kind]) -> str:
        """Accept a batch with an item of each kind; return its id."""
        draft = BatchDraft(new_batch_id(), owner, BatchSettings(lane=lane), "print")
        batch, _ = self.batches.open(draft)
        items = [ItemDraft(f"n{n}", self._spec(lane, kind), kind.work) for n, kind in enumerate(kinds)]
        self.batches.append(batch.id, owner, items, first=0)
        self.batches.finalize(batch.id, owner)
        for index, kind in enumerate(kinds):
            self._note(f"job_{batch.id.removeprefix('batch_')}-{index}", owner, kind)
        return batch.id

    def _note(self, job_id: str, owner: str, kind: Kind) -> None:
        self.kinds[job_id], self.owners[job_id] = kind, owner

    @property
    def waiting(self) -> list[str]:
        """Jobs that have not started."""
        return [job_id for job_id in self.owners if job_id not in self.started]

    def go_on(self, until: float = math.inf) -> None:
        """Work until a time, or until nothing is left."""
        self._start()
        while self._running and self._running[0][0] <= until:
            at, _, job, worker_id = heapq.heappop(self._running)
            self._free[worker_id] += 1
            self.clock.set(at)
            finish(self.store, job)
            self.done[job.id] = at
            del self.owners[job.id]
            self._start()
        if until < math.inf:
            self.clock.set(until)

    def _start(self) -> None:
        for worker in self.workers:
            lanes = [Lane(worker.lane)] if worker.lane else tuple(Lane)
            while self._free[worker.id] and (jobs := self.store.claim_next(worker.id, lanes=lanes)):
                self._run(jobs[0], worker.id)

    def _run(self, job: Job, worker_id: str) -> None:
        self._free[worker_id] -= 1
        seconds = self.kinds[job.id].seconds * self.rng.uniform(0.8, 1.25)
        heapq.heappush(self._running, (self.clock.now + seconds, job.id, job, worker_id))
        self.started[job.id] = len(self.started) + 1

    def ask(self, job_id: str) -> None:
        """Keep what a waiting job is told now."""
        job = self.store.get(job_id, self.owners[job_id])
        found = self.queries.waiting(job, capacity_of(self.workers, job.lane))
        assert found is not None
        self.told.append((job_id, found.position, found.eta_seconds, self.clock.now, len(self.started)))

    def ask_batch(self, batch_id: str, owner: str) -> None:
        """Keep what a batch is told now that has items left."""
        batch = self.batches.get(batch_id, owner)
        if not batch.is_done:
            waiting = self.batches.waiting(batch, capacity_of(self.workers, batch.lane))
            self.batch_etas.append((batch_id, waiting.eta_seconds, self.clock.now))

    def batches_compared(self) -> list[tuple[float | None, float]]:
        """Return the seconds that batches were told, each with those that it then took."""
        ends: dict[str, float] = {}
        for job_id, at in self.done.items():
            batch_id = f"batch_{job_id.removeprefix('job_').partition('-')[0]}"
            ends[batch_id] = max(at, ends.get(batch_id, 0.0))
        return [(eta, ends[batch_id] - at) for batch_id, eta, at in self.batch_etas]

    def compared(self) -> list[Told]:
        """Return what was told with what happened, of jobs that are done."""
        return [
            Told(job_id, position, eta, self.started[job_id] - before, self.done[job_id] - at)
            for job_id, position, eta, at, before in self.told
        ]
