"""A worker's parts around a small real generator in numpy, without Celery."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from shared.cards.card import ModelCard, load_catalog
from shared.identifiers import ANONYMOUS, new_job_id
from shared.images.limits import ImageLimits
from shared.jobs.job import Job
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.maintenance.garbage import Garbage
from shared.queue.celery_app import make_celery
from shared.queue.job_queue import JobQueue
from shared.settings import Settings
from shared.specs.spec import JOB_SPEC, resolve
from shared.storage.base import ObjectStore
from worker.execution.attempt import AttemptsInFlight
from worker.execution.batcher import Batcher
from worker.execution.resources import Resources, StyleCache
from worker.models.numerics import Numerics
from worker.runner import JobRunner


@dataclass
class Brightness:
    """A generator: every pixel is the latent's first value."""

    card: ModelCard = field(default_factory=lambda: load_catalog().get("mnist-dcgan"))
    digest: str = "brightness"
    before: Callable[[], Any] = lambda: None  # what happens during predict

    def generate(self, latents: np.ndarray) -> np.ndarray:
        self.before()
        values = np.clip(latents[:, :1, None, None] * 60 + 128, 0, 255).astype(np.uint8)
        return np.broadcast_to(values, (len(latents), 28, 28, 1))


@dataclass
class Bench:
    """One worker's parts, and short ways to use them."""

    store: JobStore
    queue: JobQueue
    objects: ObjectStore
    garbage: Garbage
    held: AttemptsInFlight
    model: Brightness = field(default_factory=Brightness)

    def runnable(self) -> None:
        return None

    def get(self, name: str) -> Brightness:
        return self.model

    def runner(self, **how: Any) -> JobRunner:
        limits, numerics = ImageLimits(max_frames=10), Numerics("bench")
        resources = Resources(self.objects, Batcher(1), StyleCache(), limits, numerics=lambda: numerics)
        return JobRunner(
            "w1", self.store, self.queue, models=self, resources=resources, held=self.held, **how
        )

    def submit(self, *, owner: str = ANONYMOUS, **spec: Any) -> str:
        raw = {"type": "generate", **(spec or {"seeds": [1]})}
        resolved = resolve(JOB_SPEC.validate_python(raw), load_catalog())
        return self.store.submit(Submission(new_job_id(), owner, resolved, "f")).id

    def job(self, job_id: str) -> Job:
        return self.store.get(job_id, ANONYMOUS)


@pytest.fixture
def bench(store: JobStore, objects: ObjectStore, server: Any) -> Bench:
    queue = JobQueue(make_celery(Settings(redis_url=server.url)), store.client)
    return Bench(store, queue, objects, Garbage(store.client, objects), AttemptsInFlight())
