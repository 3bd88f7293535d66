"""The client's view of batches, their items' results and what a request would come to, read from JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from atelier.client.errors import ApiError, reading
from atelier.client.job import (
    Hold,
    JobError,
    Output,
    Status,
    error_from_json,
    hold_from_json,
    moment,
    outputs_from_json,
)
from atelier.client.places.places import (
    Delivering,
    ItemDelivery,
    Reading,
    delivering_from_json,
    item_delivery_from_json,
    reading_from_json,
)
from atelier.client.stats import Failure, failures_from_json

DRY_RUN = {"dry_run": "true"}  # the query of a request that asks for an estimate
BatchStatus = Literal["open", "running", "paused", "completed", "failed", "canceled"]


@dataclass(frozen=True, slots=True)
class BatchPause:
    """Why a batch is paused, and until when."""

    reason: str  # "" where none was given
    by: str | None  # the name of the API key that paused it; None where it paused by itself
    since: datetime | None  # None where an older version paused it
    until: datetime | None  # when it goes on by itself; None: it does not


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch, as the service's response described it."""

    id: str
    name: str
    status: BatchStatus
    done: bool  # every item is done, and no more can come
    counts: Mapping[str, int]  # total, queued, running, succeeded, failed, canceled, expired
    fraction: float  # 0..1 of the items, those that are done
    rate_per_second: float | None = None  # items done lately; None until measured, as the next two
    mean_seconds: float | None = None  # what an item costs a worker
    eta_seconds: float | None = None  # until all items are done
    metadata: Mapping[str, str] = field(default_factory=dict)
    pause: BatchPause | None = None  # None unless it is paused
    pinned_at: datetime | None = None  # it is kept until it is unpinned or deleted
    stopped_at: datetime | None = None  # when it paused by itself; None unless it is paused by that
    stopped_by: Literal["stop_when", "sample"] | None = None  # the setting that paused it
    sample: int | None = None  # items that are done before it pauses; None once all others may start
    not_before: datetime | None = None  # no item starts earlier
    queue: Hold | None = None  # why the next of its queued items has not started; None if none is queued
    failures: tuple[Failure, ...] = ()  # of the items that are failed or expired now, by code
    source: Reading | None = None  # the place that its pictures come from; None where items were sent
    destination: Delivering | None = None  # the place where its results are put; None without one
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document

    @property
    def ended(self) -> int:
        """How many items are done, however they ended."""
        return self.counts["total"] - self.counts["queued"] - self.counts["running"]


@dataclass(frozen=True, slots=True)
class NamedOutput:
    """One picture of an item, and the name of its file: a path below a folder, of safe parts."""

    name: str
    output: Output


@dataclass(frozen=True, slots=True)
class BatchItem:
    """The result of one item of a batch."""

    custom_id: str
    index: int
    id: str  # of its job
    status: Status  # one of the last four
    outputs: tuple[NamedOutput, ...] = ()
    warnings: tuple[str, ...] = ()  # codes, as those of a job
    error: JobError | None = None
    cached_from: str | None = None  # id of the equal job whose result was taken over
    source: str | None = None  # the name of its picture below the prefix of the batch's source
    delivery: ItemDelivery | None = None  # None without a destination, or before its results are there
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def succeeded(self) -> bool:
        """Whether the outputs can be read."""
        return self.status == "succeeded"


def batch_from_json(body: Any) -> Batch:
    """Read a batch; raise ProtocolError where the document is none."""
    with reading("a batch"):
        progress = body.get("progress") or {}
        return Batch(
            id=body["id"],
            name=str(body.get("name") or ""),
            status=body["status"],
            done=bool(body["done"]),
            counts={str(name): int(count) for name, count in body["counts"].items()},
            fraction=float(progress.get("fraction") or 0),
            rate_per_second=progress.get("rate_per_second"),
            mean_seconds=progress.get("mean_seconds"),
            eta_seconds=progress.get("eta_seconds"),
            metadata=body.get("metadata") or {},
            pinned_at=moment(body.get("pinned_at")),
            pause=_pause(body.get("pause")),
            stopped_at=moment(body.get("stopped_at")),
            stopped_by=body.get("stopped_by"),
            sample=body.get("sample"),
            not_before=moment(body.get("not_before")),
            queue=hold_from_json(body.get("queue")),
            failures=failures_from_json(body.get("failures") or ()),
            source=reading_from_json(body.get("source")),
            destination=delivering_from_json(body.get("destination")),
            raw=body,
        )


def _pause(body: Any) -> BatchPause | None:
    if body is None:
        return None
    return BatchPause(body["reason"], body["by"], moment(body["since"]), moment(body["until"]))


def item_from_json(body: Any) -> BatchItem:
    """Read an item's result; raise ProtocolError where the document is none."""
    with reading("a result"):
        names = [entry["name"] for entry in body.get("outputs") or ()]
        return BatchItem(
            custom_id=body["custom_id"],
            index=int(body["index"]),
            id=body["id"],
            status=body["status"],
            outputs=tuple(map(NamedOutput, names, outputs_from_json(body))),
            warnings=tuple(body.get("warnings") or ()),
            error=error_from_json(body.get("error")),
            cached_from=body.get("cached_from"),
            source=body.get("source"),
            delivery=item_delivery_from_json(body.get("delivery")),
            raw=body,
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a request for jobs would come to. The service stored nothing of it, and holds nothing for it."""

    accepted: bool  # there are no problems
    problems: tuple[ApiError, ...]  # each with which the request would be refused
    repeats: str | None  # id of what the same request made before, and would find; the amounts are 0 then
    items: int  # jobs that it asks for
    refused_items: int  # those at fault; the amounts are of the others
    pictures: int  # files that they make
    pixels: int  # of all pictures that they make
    bytes: int  # of the storage that these take, about
    work_seconds: float | None  # for which they keep one slot of a worker busy; None until measured
    eta_seconds: float | None  # until all of them would be done; None too where no worker lives
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


def estimate_from_json(body: Any) -> Estimate:
    """Read an estimate; raise ProtocolError where the document is none."""
    with reading("an estimate"):
        return Estimate(
            accepted=bool(body["accepted"]),
            problems=tuple(ApiError(entry, status=entry["status"]) for entry in body["problems"]),
            repeats=body["repeats"],
            items=body["items"],
            refused_items=body["refused_items"],
            pictures=body["pictures"],
            pixels=body["pixels"],
            bytes=body["bytes"],
            work_seconds=body["work_seconds"],
            eta_seconds=body["eta_seconds"],
            raw=body,
        )
