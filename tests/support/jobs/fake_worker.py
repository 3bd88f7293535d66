"""A worker without models: it drives the job store as a real one would."""

from typing import Any

from api.services import Services
from shared.errors import AtelierError, CorruptImage
from shared.identifiers import sha256
from shared.jobs.job import Job, Progress, StoredOutput
from shared.jobs.record import RECORD_SCHEMA
from shared.storage.base import output_key, preview_key
from shared.workers import LoadedModel, Worker
from tests.support.images.pictures import png

PICTURE = png(28, 28)
NOT_TOLD = {"numerics": None, "precision": None}  # of a job that an older worker has done


class FakeWorker:
    """Claims a job and moves it along, one call a step."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store

    def announce(
        self,
        *models: str,
        slots: int = 4,
        available: tuple[str, ...] | None = None,
        name: str = "w1",
        schema: int = RECORD_SCHEMA,
        versions: tuple[str, ...] = (),
        lane: str = "",
    ) -> None:
        loaded = tuple(LoadedModel(model, "1", "d" * 64) for model in models)
        self._services.roster.announce(
            Worker(name, slots, loaded, available=available, schema=schema, versions=versions, lane=lane)
        )

    def claim(self, job_id: str) -> Job:
        job = self._store.claim(job_id, "w1")
        assert job is not None
        return job

    def report(self, job: Job, fraction: float) -> None:
        self._store.report(job.id, job.attempt, Progress("predict", fraction))

    def show(self, job: Job, step: int, total: int, *, data: bytes = PICTURE) -> None:
        """Report a step with a preview."""
        key = preview_key(job.id, job.attempt, step)
        self._services.objects.put(key, data)
        self._store.report(job.id, job.attempt, Progress("predict", step / total, step, total, key))

    def succeed(self, job: Job, *, data: bytes = PICTURE, warnings: tuple[str, ...] = (), **how: Any) -> None:
        key = output_key(job.id, job.attempt, 0, "png")
        self._services.objects.put(key, data)
        output = StoredOutput(key, "image/png", 28, 28, len(data), sha256(data), seed=7)
        self._store.succeed(
            job.id,
            job.attempt,
            outputs=(output,),
            timings={"predict": 0.25},
            model=("1", "d" * 64),
            warnings=warnings,
            **how,
        )

    def fail(self, job: Job, error: AtelierError | None = None) -> None:
        self._store.fail(job.id, job.attempt, error or CorruptImage.of_field("/content", "it ends early"))

    def run(self, job_id: str, **how: Any) -> Job:
        """Carry a job out, from its claim to its success; `how` is what `JobStore.succeed` takes besides."""
        job = self.claim(job_id)
        self.succeed(job, **how)
        return job
