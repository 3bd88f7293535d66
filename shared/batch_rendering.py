"""From a batch's record, and the records of its items, to what clients see of them."""

from collections.abc import Iterator

from shared.batch_view import BatchCounts, BatchProgress, BatchUrls, BatchView, ResultOutput, ResultView
from shared.batches import Batch
from shared.job_rendering import Links
from shared.job_view import JobError, ModelUse, rfc3339
from shared.jobs import Job, StoredOutput
from shared.member_names import member_name

_PAGES = {
    "items": "items",
    "finished": "finished",
    "results": "results.jsonl",
    "archive": "results.zip",
    "contact_sheet": "contact-sheet",
    "events": "events",
    "finalize": "finalize",
    "pause": "pause",
    "resume": "resume",
    "cancel": "cancel",
    "retry_failed": "retry-failed",
}


def batch_view(batch: Batch, base: str, eta_seconds: float | None = None) -> BatchView:
    """Return the batch's representation, with links below `base` and the time until all items are done."""
    home = f"{base}/v1/batches/{batch.id}"
    return BatchView(
        id=batch.id,
        object="batch",
        name=batch.name,
        status=batch.status.value,
        done=batch.is_done,
        counts=BatchCounts(**batch.counts),
        progress=_progress(batch, eta_seconds),
        lane=batch.lane,
        metadata=dict(batch.settings.metadata),
        urls=BatchUrls(self=home, **{name: f"{home}/{page}" for name, page in _PAGES.items()}),
        **_times(batch),
    )


def ended(batch: Batch) -> int:
    """Return how many items are done, however they ended."""
    return batch.counts["total"] - batch.counts["queued"] - batch.counts["running"]


def result_view(job: Job, links: Links, *, apart: bool = False) -> ResultView:
    """Return how an item of a batch ended; `apart` as in `member_name`."""
    return ResultView(
        custom_id=job.custom_id or "",
        index=job.index or 0,
        id=job.id,
        status=job.status,
        model=ModelUse(name=job.spec.model or "", version=job.model_version, digest=job.model_digest),
        outputs=[
            ResultOutput(
                name=name,
                url=f"{links.job(job.id)}/outputs/{number}",
                content_type=output.media_type,
                width=output.width,
                height=output.height,
                bytes=output.bytes,
                sha256=output.sha256,
                seed=output.seed,
            )
            for number, (name, output) in enumerate(named_outputs(job, apart=apart))
        ],
        warnings=list(job.warnings),
        error=JobError(type=links.problem(job.error["code"]), **job.error) if job.error else None,
        cached_from=job.cached_from,
        completed_at=None if job.completed_at is None else rfc3339(job.completed_at),
    )


def named_outputs(job: Job, *, apart: bool = False) -> Iterator[tuple[str, StoredOutput]]:
    """Yield an item's pictures with their names in archives and folders; `apart` as in `member_name`."""
    custom_id, index, count = job.custom_id or "", job.index or 0, len(job.outputs)
    for number, output in enumerate(job.outputs):
        yield (
            member_name(custom_id, index, output.media_type, number=number, of=count, apart=apart),
            output,
        )


def _progress(batch: Batch, eta_seconds: float | None) -> BatchProgress:
    total = batch.counts["total"]
    return BatchProgress(
        fraction=round(ended(batch) / total, 4) if total else 0.0,
        rate_per_second=batch.rate_per_second,
        mean_seconds=batch.mean_seconds,
        eta_seconds=eta_seconds,
    )


def _times(batch: Batch) -> dict[str, str | None]:
    moments = {
        "created_at": batch.created_at,
        "finalized_at": batch.finalized_at,
        "completed_at": batch.completed_at,
        "expires_at": batch.expires_at,
    }
    return {name: None if moment is None else rfc3339(moment) for name, moment in moments.items()}
