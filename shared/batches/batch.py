"""A batch as the rest of the program sees it, and the drafts that create it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.batches.request import BatchSettings
from shared.batches.transfers import Delivering, Reading, delivering_of, reading_of
from shared.jobs.failures import Failure, failures_in
from shared.jobs.job import Job
from shared.jobs.record import schema_of
from shared.jobs.status import Status
from shared.jobs.submission import NOTHING, expected_fields, milliseconds_of, reuse_fields
from shared.places.request import Source
from shared.setting_groups import JobRules
from shared.specs.base import JobSpec
from shared.specs.parts import Lane
from shared.specs.results import Results

OWN_PAUSES = {  # the reason of a batch that paused by itself, by the setting that says so
    "stop_when": "too much of it went wrong (stop_when)",
    "sample": "its sample is made",
}
ITEM_BYTES = 1536  # of the store's memory that an item takes beside its specification


# Fields of the view that need small fields of a record alone: not its settings, and no counts by error.
LIGHT_FIELDS = frozenset(
    (
        "id", "object", "name", "status", "done", "counts", "stopped_at", "stopped_by", "sample",
        "progress", "queue", "lane", "request_id", "not_before", "created_at", "finalized_at",
        "completed_at", "expires_at", "pinned_at", "urls",
    )
)  # fmt: skip
SMALL_FIELDS = (
    "id", "owner", "name", "status", "lane", "sequence", "total", *Status, "spent", "bytes", "request_id",
    "stopped_at", "stopped_by", "sample", "pinned_at", "created_at", "finalized_at", "completed_at",
    "expires_at", "began_at", "last_end", "done_since", "not_before",
)  # fmt: skip


class BatchStatus(StrEnum):
    """The status of a batch. The last three are terminal, but items may be retried (not of one withdrawn)."""

    OPEN = "open"  # takes more items; its present items already run
    RUNNING = "running"  # all items were sent; some have not ended
    PAUSED = "paused"  # no item starts
    COMPLETED = "completed"  # every item has ended; some may have failed, but not all
    FAILED = "failed"  # every item has ended, some failed or expired, and none succeeded
    CANCELED = "canceled"  # withdrawn as a whole, ended items keep their results; or every item was canceled


@dataclass(frozen=True, slots=True)
class BatchDraft:
    """A batch to create."""

    id: str
    owner: str
    settings: BatchSettings
    fingerprint: str  # digest of the request as sent: the same key must come with the same request
    idempotency_key: str = ""
    webhook: str = ""  # the result of `webhook_record`; "" for no webhook
    request_id: str = ""  # of the HTTP request, as the API's log has it
    trace: str = ""  # of the same, as text of a TraceContext; "" for none
    key: str = ""  # id of the API key; "" if none was needed
    source: Source | None = None
    templates: tuple[str, ...] = ()  # what is made of each picture of the source, as JSON
    inputs: tuple[str, ...] = ()  # ids of the files that these name

    def record(self, rules: JobRules) -> dict[str, str]:
        """Return the initial fields of the batch's record."""
        settings = self.settings
        record = {
            "name": settings.name or "",
            "lane": str(settings.lane),
            "settings": settings.kept.model_dump_json(),
            "ttl_ms": str((settings.ttl_seconds or rules.retention_seconds) * 1000),
            "fingerprint": self.fingerprint,
        }
        optional = {"webhook": self.webhook, "request_id": self.request_id, "key": self.key}
        optional["trace"] = self.trace
        optional["not_before"] = milliseconds_of(settings.not_before)
        for name, place in (("source", self.source), ("destination", settings.destination)):
            optional[name] = place.model_dump_json() if place else ""
        brake = settings.stop_when.model_dump(exclude_none=True) if settings.stop_when else {}
        optional["sample"] = str(settings.sample or "")
        optional |= {f"stop_{name}": str(value) for name, value in brake.items()}
        return record | {name: text for name, text in optional.items() if text}


@dataclass(frozen=True, slots=True)
class ItemDraft:
    """An item to append: its name, unique in the batch, and its resolved specification."""

    custom_id: str
    spec: JobSpec
    work: str = ""  # the result of `work_of`; "" if unknown
    results: Results = NOTHING  # what it is expected to make
    source: str = ""  # the name of its picture below the source's prefix
    style_label: str = ""
    refused: str = ""  # the error with which it fails at once, as JSON: its picture is of no use

    def record(self) -> dict[str, str]:
        """Return the initial fields of the item's record, without its specification."""
        spec = self.spec
        record = {
            "type": spec.type,
            "model": spec.model or "",
            "lane": str(spec.lane),
            "schema": schema_of(spec),
            "custom_id": self.custom_id,
        }
        record |= reuse_fields(spec) | expected_fields(self.results)
        optional = {"work": self.work, "source": self.source, "style_label": self.style_label}
        optional["refused"] = self.refused
        record |= {name: text for name, text in optional.items() if text}
        if spec.deadline_seconds:
            record["deadline_ms"] = str(spec.deadline_seconds * 1000)
        if spec.is_light:
            record["light"] = "1"
        return record


@dataclass(frozen=True, slots=True)
class BatchPause:
    """Why a batch is paused, and until when. Times are as those of a batch."""

    since: int | None  # None: an older Atelier paused it
    reason: str  # "" for none
    by: str  # the name of the API key or user that paused it; "" where it paused by itself
    ends_at: int | None  # when it goes on by itself; None: it does not


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch, as read from the store. Times are milliseconds since the epoch by the server's clock."""

    id: str
    owner: str
    name: str
    status: BatchStatus
    lane: Lane
    settings: BatchSettings
    counts: Mapping[str, int]  # "total", and one for each status of a job
    sequence: int  # order of acceptance, unique
    created_at: int
    finalized_at: int | None
    completed_at: int | None
    expires_at: int | None
    pinned_at: int | None  # it stays until it is unpinned or deleted
    # Items that succeeded or failed per second, from the first start (since the last pause) to the last end.
    rate_per_second: float | None
    mean_seconds: float | None  # mean time of a worker for one item
    request_id: str | None = None  # of the HTTP request that began it
    stopped_at: int | None = None  # when it paused by itself; None unless it is paused by that
    stopped_by: str | None = None  # the setting that paused it: stop_when or sample
    sample: int | None = None  # items that may start before the next `resume`; None once all may
    failures: tuple[Failure, ...] = ()  # of the items that are failed or expired now
    pause: BatchPause | None = None  # None unless it is paused
    not_before: int | None = None  # no item starts before this time
    record_bytes: int = 0  # of the store's memory that its items take, about
    reading: Reading | None = None  # of its source; None where it has none
    delivering: Delivering | None = None  # to its destination; None where it has none

    @property
    def is_done(self) -> bool:
        """Whether every item has ended and no item will be added."""
        return self.completed_at is not None


@dataclass(frozen=True, slots=True)
class FinishedItems:
    """Some items, in the order in which they ended; a retried item appears again."""

    items: tuple[Job, ...]
    next: int  # pass it as `after` to get the items that ended later
    is_last: bool  # no more of them have ended


def batch_from_record(raw: Mapping[str, str]) -> Batch:
    """Build a Batch from the fields of its hash."""
    counts = {name: int(raw[name]) for name in ("total", *Status)}
    return Batch(
        id=raw["id"],
        owner=raw["owner"],
        name=raw["name"],
        status=BatchStatus(raw["status"]),
        lane=Lane(raw["lane"]),
        settings=BatchSettings.model_validate_json(raw.get("settings", "{}")),
        counts=counts,
        sequence=int(raw["sequence"]),
        created_at=int(raw["created_at"]),
        finalized_at=_number(raw, "finalized_at"),
        completed_at=_number(raw, "completed_at"),
        expires_at=_number(raw, "expires_at"),
        pinned_at=_number(raw, "pinned_at"),
        rate_per_second=_rate(raw),
        mean_seconds=_mean(int(raw["spent"]), counts[Status.SUCCEEDED]),
        request_id=raw.get("request_id"),
        stopped_at=_number(raw, "stopped_at"),
        stopped_by=raw.get("stopped_by") or ("stop_when" if raw.get("stopped_at") else None),
        sample=_number(raw, "sample"),
        failures=failures_in(raw),
        pause=_pause(raw) if raw["status"] == BatchStatus.PAUSED else None,
        not_before=_number(raw, "not_before"),
        record_bytes=int(raw.get("bytes") or 0),
        reading=reading_of(raw),
        delivering=delivering_of(raw),
    )


def _pause(raw: Mapping[str, str]) -> BatchPause:
    since, ends_at = _number(raw, "paused_at"), _number(raw, "paused_until")
    if since is None and raw.get("stopped_at"):
        reason = OWN_PAUSES[raw.get("stopped_by") or "stop_when"]
        return BatchPause(int(raw["stopped_at"]), reason, "", None)
    return BatchPause(since, raw.get("paused_reason", ""), raw.get("paused_by", ""), ends_at)


def _rate(raw: Mapping[str, str]) -> float | None:
    spent = int(raw.get("last_end") or 0) - int(raw.get("began_at") or 0)
    done = int(raw.get("done_since") or 0)
    return round(1000 * done / spent, 3) if done and spent > 0 else None


def _mean(spent_ms: int, succeeded: int) -> float | None:
    return round(spent_ms / 1000 / succeeded, 4) if succeeded else None


def _number(raw: Mapping[str, Any], name: str) -> int | None:
    return int(raw[name]) if raw.get(name) else None
