"""A job as clients see it, its ETag, and when to ask again."""

import math
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from api.capacity import Capacity
from api.links import job_path, problem_type
from api.services import Services
from api.views import (
    JobError,
    JobUrls,
    JobView,
    ModelUse,
    OutputView,
    ProgressView,
    QueueView,
    rfc3339,
)
from shared.errors import StoreUnavailable
from shared.identifiers import sha256
from shared.jobs import Job, Progress
from shared.status import Status

LONGEST_RETRY_SECONDS = 30
UNKNOWN_RETRY_SECONDS = 2


class JobRenderer:
    """Renders jobs with links below one base."""

    def __init__(self, services: Services, capacity: Capacity, base: str) -> None:
        self._services = services
        self._capacity = capacity
        self._base = base

    def view(self, job: Job) -> JobView:
        """Return the job's representation."""
        return JobView(
            id=job.id,
            object="job",
            type=job.spec.type,
            status=job.status,
            done=job.status.is_terminal,
            progress=self._progress(job.id, job.progress) if job.progress else None,
            queue=self._queue(job),
            attempt=job.counted_attempts,
            max_attempts=self._services.settings.jobs.max_attempts,
            retried_from=job.retried_from,
            input=job.spec,
            model=ModelUse(name=job.spec.model or "", version=job.model_version, digest=job.model_digest),
            outputs=self._outputs(job),
            error=JobError(type=problem_type(job.error["code"]), **job.error) if job.error else None,
            timings=_timings(job),
            worker=job.worker,
            metadata=job.spec.metadata,
            urls=self._urls(job.id),
            **_times(job),
        )

    def _progress(self, job_id: str, progress: Progress) -> ProgressView:
        return ProgressView(
            stage=progress.stage,
            fraction=progress.fraction,
            step=progress.step,
            total=progress.total,
            preview_url=self.preview_url(job_id, progress.preview) if progress.preview else None,
        )

    def preview_url(self, job_id: str, key: str) -> str:
        """Return where the latest preview of a running job is; a newer one has another address."""
        return f"{self._base}{job_path(job_id)}/preview?step={PurePosixPath(key).stem}"

    def _queue(self, job: Job) -> QueueView | None:
        if job.status is not Status.QUEUED:
            return None
        try:
            waiting = self._services.queries.waiting(job, self._capacity.slots())
        except StoreUnavailable:  # the job was read; its place in line is not worth an error
            waiting = None
        if waiting is None:
            return None
        return QueueView(lane=job.lane, position=waiting.position, eta_seconds=waiting.eta_seconds)

    def _outputs(self, job: Job) -> list[OutputView]:
        return [
            OutputView(
                index=index,
                url=f"{self._base}{job_path(job.id)}/outputs/{index}",
                content_type=output.media_type,
                width=output.width,
                height=output.height,
                bytes=output.bytes,
                sha256=output.sha256,
                seed=output.seed,
            )
            for index, output in enumerate(job.outputs)
        ]

    def _urls(self, job_id: str) -> JobUrls:
        home = self._base + job_path(job_id)
        names = ("cancel", "retry", "events", "result")
        return JobUrls(self=home, **{name: f"{home}/{name}" for name in names})


def etag_of(body: str) -> str:
    """Return the strong entity tag of a representation, without its quotes."""
    return sha256(body.encode())[:32]


def retry_after(view: JobView) -> int:
    """Return the seconds after which asking again is worth it, 1 to 30."""
    if view.queue is None:
        return 1
    if view.queue.eta_seconds is None:
        return UNKNOWN_RETRY_SECONDS
    return max(1, min(LONGEST_RETRY_SECONDS, math.ceil(view.queue.eta_seconds)))


def _timings(job: Job) -> Mapping[str, float]:
    if job.started_at is None:
        return job.timings
    return {"queued": round((job.started_at - job.created_at) / 1000, 3), **job.timings}


def _times(job: Job) -> dict[str, Any]:
    moments = {
        "created_at": job.created_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
        "expires_at": job.expires_at,
    }
    return {name: None if moment is None else rfc3339(moment) for name, moment in moments.items()}
