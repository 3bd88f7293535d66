"""Converts a job's record to the view that clients see. The API and the webhook sender share it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from shared.cards.parts import VERSION_SIGN
from shared.jobs.failures import Failure
from shared.jobs.job import EndedAttempt, Job, Progress
from shared.jobs.status import Status
from shared.jobs.views import (
    AttemptView,
    FailureView,
    JobError,
    JobUrls,
    JobView,
    ModelUse,
    OutputView,
    ProgressView,
    QueueView,
    rfc3339,
)

Sign = Callable[[str], str]  # returns the query with which anybody may read a path, or ""
_TIMES = ("created_at", "started_at", "completed_at", "deadline_at", "expires_at", "pinned_at")


def _unsigned(_path: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Links:
    """Builds the URLs in representations."""

    base: str  # of absolute links; no slash at its end
    problems: str  # path below the service's host, before an error's code
    sign: Sign = _unsigned

    @classmethod
    def of(cls, base: str, public_url: str, sign: Sign = _unsigned) -> "Links":
        """Return the links below `base`; `public_url` is the configured base, or empty."""
        return cls(base.rstrip("/"), f"{urlsplit(public_url or base).path.rstrip('/')}/problems/", sign)

    def job(self, job_id: str) -> str:
        """Return the URL of a job."""
        return f"{self.base}/v1/jobs/{job_id}"

    def batch(self, batch_id: str) -> str:
        """Return the URL of a batch."""
        return f"{self.base}/v1/batches/{batch_id}"

    def action(self, action_id: str) -> str:
        """Return the URL of a bulk action."""
        return f"{self.base}/v1/actions/{action_id}"

    def output(self, job_id: str, index: int) -> str:
        """Return the URL of one of a job's pictures."""
        return self.signed(f"/v1/jobs/{job_id}/outputs/{index}")

    def preview(self, job_id: str, key: str) -> str:
        """Return the URL of the latest preview of a running job; a newer preview has another URL."""
        url = self.signed(f"/v1/jobs/{job_id}/preview")
        return f"{url}{'&' if '?' in url else '?'}step={PurePosixPath(key).stem}"

    def signed(self, path: str) -> str:
        """Return the URL of something to look at or to download; `path` begins with `/v1/`."""
        return f"{self.base}{path}{self.sign(path)}"

    def problem(self, code: str) -> str:
        """Return the stable URL that explains an error code, relative to the service's host."""
        return f"{self.problems}{code}"


def view_of(
    job: Job, links: Links, *, max_attempts: int, queue: QueueView | None = None, is_whole: bool = True
) -> JobView:
    """Return the job's representation; `queue` is its place in the queue, if it waits.

    Unless the job `is_whole`, only fields that were read with it may be told: the others are not checked.
    """
    make: Callable[..., JobView] = JobView if is_whole else JobView.model_construct
    return make(
        id=job.id,
        object="job",
        type=job.spec.type,
        status=job.status,
        done=job.status.is_terminal,
        progress=_progress(job.id, job.progress, links) if job.progress else None,
        queue=queue,
        attempt=job.counted_attempts,
        max_attempts=max_attempts,
        crashes=job.crashes,
        attempts=_attempts(job),
        retried_from=job.retried_from,
        retried_as=job.retried_as,
        cached_from=job.cached_from,
        batch_id=job.batch_id,
        index=job.index,
        custom_id=job.custom_id,
        request_id=job.request_id,
        input=job.spec,
        model=model_use(job),
        outputs=[
            OutputView(index=index, **output_fields(job, index, links)) for index in range(len(job.outputs))
        ],
        warnings=list(job.warnings),
        error=job_error(job, links),
        timings=_timings(job),
        worker=job.worker,
        metadata=job.spec.metadata,
        not_before=rfc3339(job.not_before) if job.is_delayed else None,
        urls=_urls(links.job(job.id)),
        **rendered_times(job, _TIMES),
    )


def _progress(job_id: str, progress: Progress, links: Links) -> ProgressView:
    return ProgressView(
        stage=progress.stage,
        fraction=progress.fraction,
        step=progress.step,
        total=progress.total,
        preview_url=links.preview(job_id, progress.preview) if progress.preview else None,
    )


def _attempts(job: Job) -> list[AttemptView]:
    ended = [_attempt(attempt) for attempt in job.history]
    if job.status is not Status.RUNNING:
        return ended
    return [*ended, _running(job)]


def _attempt(attempt: EndedAttempt) -> AttemptView:
    return AttemptView(
        number=attempt.number,
        worker=attempt.worker,
        started_at=rfc3339(attempt.started_at),
        ended_at=rfc3339(attempt.ended_at),
        outcome=attempt.outcome,
        code=attempt.code,
    )


def _running(job: Job) -> AttemptView:
    started = rfc3339(job.started_at or job.created_at)
    return AttemptView(
        number=job.attempt,
        worker=job.worker or "",
        started_at=started,
        ended_at=None,
        outcome=None,
        code=None,
    )


def model_use(job: Job) -> ModelUse:
    """Return the network that a job uses."""
    name, _, asked = (job.spec.model or "").partition(VERSION_SIGN)
    return ModelUse(
        name=name,
        version=job.model_version or asked or None,
        digest=job.model_digest,
        numerics=job.numerics,
        precision=job.precision,
    )


def job_error(job: Job, links: Links) -> JobError | None:
    """Return the error of a job or of its last attempt; None if nothing failed."""
    return JobError(type=links.problem(job.error["code"]), **job.error) if job.error else None


def failure_views(failures: Iterable[Failure], links: Links) -> list[FailureView]:
    """Return how jobs failed, with links to examples."""
    return [
        FailureView(
            code=failure.code,
            type=links.problem(failure.code),
            count=failure.count,
            example=failure.example,
            example_url=links.job(failure.example),
            retryable=failure.is_retryable,
            hint=failure.hint,
        )
        for failure in failures
    ]


def output_fields(job: Job, index: int, links: Links) -> dict[str, Any]:
    """Return the fields that describe one output picture of a job."""
    output = job.outputs[index]
    return {
        "url": links.output(job.id, index),
        "content_type": output.media_type,
        "width": output.width,
        "height": output.height,
        "bytes": output.bytes,
        "sha256": output.sha256,
        "seed": output.seed,
    }


def rendered_times(record: object, names: Iterable[str]) -> dict[str, Any]:
    """Return times of a record as RFC 3339 text, by field name; None for an unknown time."""
    moments = {name: getattr(record, name) for name in names}
    return {name: None if moment is None else rfc3339(moment) for name, moment in moments.items()}


def _urls(home: str) -> JobUrls:
    names = ("cancel", "requeue", "retry", "pin", "unpin", "events", "result")
    return JobUrls(self=home, **{name: f"{home}/{name}" for name in names})


def _timings(job: Job) -> Mapping[str, float]:
    if job.started_at is None:
        return job.timings
    earlier = [attempt for attempt in job.history if attempt.started_at < job.started_at]
    ran = sum(attempt.ended_at - attempt.started_at for attempt in earlier)
    return {"queued": round((job.started_at - job.created_at - ran) / 1000, 3), **job.timings}
