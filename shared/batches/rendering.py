"""Converts the records of a batch and of its items to the views that clients see."""

import re
from collections.abc import Iterator
from unicodedata import normalize

from shared.batches.batch import Batch, BatchPause
from shared.batches.transfers import Delivering, Obstacle, Reading
from shared.batches.views import (
    BatchCounts,
    BatchPauseView,
    BatchProgress,
    BatchUrls,
    BatchView,
    DestinationView,
    ItemDeliveryView,
    ObstacleView,
    ResultOutput,
    ResultView,
    SourceView,
)
from shared.jobs.job import Job, StoredOutput
from shared.jobs.reasons import Hold
from shared.jobs.rendering import Links, failure_views, job_error, model_use, output_fields, rendered_times
from shared.jobs.views import HoldView, hold_fields, rfc3339

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
    "pin": "pin",
    "unpin": "unpin",
}
_DOWNLOADS = ("results", "archive", "contact_sheet")  # pages link to them
_TIMES = (
    "stopped_at",
    "not_before",
    "created_at",
    "finalized_at",
    "completed_at",
    "expires_at",
    "pinned_at",
)
LONGEST_PART = 230  # bytes of one path component, without additions: file systems allow 255
_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}
_UNSAFE = re.compile(r"[^\w .,()+=@#&'!-]")
_FILE_LIKE = re.compile(r"\.(?=(?:png|jpg|webp|gif|bin)$)", re.IGNORECASE)  # a folder that looks like a file
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


def batch_view(
    batch: Batch, links: Links, eta_seconds: float | None = None, hold: Hold | None = None
) -> BatchView:
    """Return the batch's representation, with the time until all items are done and why the next waits."""
    return BatchView(
        id=batch.id,
        object="batch",
        name=batch.name,
        status=batch.status.value,
        done=batch.is_done,
        counts=BatchCounts(**batch.counts),
        stopped_by=batch.stopped_by,
        sample=batch.sample,
        failures=failure_views(batch.failures, links),
        progress=_progress(batch, eta_seconds),
        queue=HoldView(**hold_fields(hold)) if hold else None,
        pause=_pause_view(batch.pause) if batch.pause else None,
        source=_source_view(batch.reading),
        destination=_destination_view(batch.delivering),
        lane=batch.lane,
        metadata=dict(batch.settings.metadata),
        request_id=batch.request_id,
        urls=_urls(batch.id, links),
        **rendered_times(batch, _TIMES),
    )


def _source_view(reading: Reading | None) -> SourceView | None:
    if reading is None:
        return None
    fields = {"status": reading.status, "found": reading.found, "error": _obstacle_view(reading.obstacle)}
    return SourceView(**reading.source.model_dump(), **fields)


def _destination_view(delivering: Delivering | None) -> DestinationView | None:
    if delivering is None:
        return None
    counts = {name: getattr(delivering, name) for name in ("status", "delivered", "failed")}
    told = _obstacle_view(delivering.obstacle)
    return DestinationView(**delivering.destination.model_dump(), **counts, error=told)


def _obstacle_view(obstacle: Obstacle | None) -> ObstacleView | None:
    if obstacle is None:
        return None
    retry_at = None if obstacle.retry_at is None else rfc3339(obstacle.retry_at)
    return ObstacleView(code=obstacle.code, detail=obstacle.detail, retry_at=retry_at)


def _delivery_view(job: Job) -> ItemDeliveryView | None:
    return None if job.delivery is None else ItemDeliveryView.model_validate(job.delivery)


def _pause_view(pause: BatchPause) -> BatchPauseView:
    since, until = (None if time is None else rfc3339(time) for time in (pause.since, pause.ends_at))
    return BatchPauseView(since=since, until=until, reason=pause.reason, by=pause.by or None)


def _urls(batch_id: str, links: Links) -> BatchUrls:
    home = links.batch(batch_id)
    urls = {name: f"{home}/{page}" for name, page in _PAGES.items()}
    signed = {name: links.signed(f"/v1/batches/{batch_id}/{_PAGES[name]}") for name in _DOWNLOADS}
    return BatchUrls(self=home, **{**urls, **signed})


def ended(batch: Batch) -> int:
    """Return how many items have ended, with any outcome."""
    return batch.counts["total"] - batch.counts["queued"] - batch.counts["running"]


def result_view(job: Job, links: Links, *, apart: bool = False) -> ResultView:
    """Return how an item of a batch ended; `apart` as in `member_name`."""
    return ResultView(
        custom_id=job.custom_id or "",
        index=job.index or 0,
        id=job.id,
        status=job.status,
        model=model_use(job),
        outputs=[
            ResultOutput(name=name, **output_fields(job, number, links))
            for number, (name, _) in enumerate(named_outputs(job, apart=apart))
        ],
        warnings=list(job.warnings),
        error=job_error(job, links),
        cached_from=job.cached_from,
        source=job.source,
        delivery=_delivery_view(job),
        **rendered_times(job, ["completed_at"]),
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


def member_name(
    custom_id: str, index: int, media_type: str, *, number: int = 0, of: int = 1, apart: bool = False
) -> str:
    """Return the file name of one picture of an item: valid on every system, and unique in the batch.

    Slashes in a custom id become folders. Characters that file names cannot contain are replaced by `_`, and
    then the name begins with the item's index and `~~`, which makes it unique. A name that is too long is cut
    and gets the same prefix; so does any name if `apart` is set. If an item has several pictures, each name
    ends with `~` and its number.
    """
    *folders, last = custom_id.split("/")
    safe = "/".join([*(_FILE_LIKE.sub("_", _safe(part)) for part in folders), _safe(last)])
    fits = safe == custom_id and all(len(part.encode()) <= LONGEST_PART for part in safe.split("/"))
    flat = safe.replace("/", "_").encode()[:LONGEST_PART].decode(errors="ignore")
    stem = custom_id if fits and not apart else f"{index}~~{flat}"
    counted = f"~{number}" if of > 1 else ""
    return f"{stem}{counted}.{extension_of(media_type)}"


def extension_of(media_type: str) -> str:
    """Return the ending of the names of files of a media type."""
    return _EXTENSIONS.get(media_type.partition(";")[0], "bin")


def _safe(part: str) -> str:
    """Return a path component that every system accepts; a valid component is unchanged."""
    clean = _UNSAFE.sub("_", part).strip(" ")
    clean = f"_{clean[1:]}" if clean.startswith(".") else clean
    clean = f"{clean[:-1]}_" if clean.endswith(".") else clean
    return f"_{clean}" if not clean or _RESERVED.fullmatch(clean) else clean


def alike(name: str) -> str:
    """Return a form that is equal for names that some system treats as the same: they differ only in case.

    Composed and decomposed letters count as equal too, as on macOS.
    """
    return normalize("NFD", normalize("NFD", name).casefold().upper().casefold())
