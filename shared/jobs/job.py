"""The job as the rest of the program sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.jobs.status import Outcome, Status
from shared.specs.parts import Lane, Precision
from shared.specs.spec import JobSpec


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """One picture that a job made."""

    key: str  # in object storage
    media_type: str
    width: int  # pixels
    height: int  # pixels
    bytes: int
    sha256: str
    seed: int | None = None  # generation only; None for a grid


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running attempt is."""

    stage: str
    fraction: float  # 0..1 over the whole job
    step: int | None = None  # in a stage that counts its steps: frames, tiles, optimization steps
    total: int | None = None
    preview: str | None = None  # key of the latest picture of the work


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """One run of a job that has ended. Times are milliseconds since the epoch by the server's clock."""

    number: int  # the fencing token, from 1; released attempts count here too
    worker: str
    started_at: int
    ended_at: int
    outcome: Outcome
    code: str | None = None  # of the error that ended it


@dataclass(frozen=True, slots=True)
class Job:
    """One job, as read from the store. Times are milliseconds since the epoch by the server's clock."""

    id: str
    owner: str
    status: Status
    lane: Lane
    spec: JobSpec  # resolved: model, seeds and defaults are filled in
    inputs: Mapping[str, str]  # file id, or name of an output of a job, to object key
    version: int  # grows with every change
    attempt: int  # fencing token of the latest claim; 0 before the first
    released: int  # claims that were released and do not count
    failures: int  # attempts that ended with a transient error
    crashes: int  # attempts whose worker died or froze
    sequence: int  # order of acceptance, unique
    created_at: int
    not_before: int  # it may not be claimed before this time
    deadline_at: int | None = None  # at this time it expires, queued or running
    started_at: int | None = None  # of the latest attempt
    completed_at: int | None = None
    expires_at: int | None = None
    pinned_at: int | None = None  # it stays until it is unpinned or deleted
    worker: str | None = None
    progress: Progress | None = None
    outputs: tuple[StoredOutput, ...] = ()
    warnings: tuple[str, ...] = ()  # codes of defects of the result, such as "truncated"
    error: Mapping[str, Any] | None = None
    timings: Mapping[str, float] = field(default_factory=dict)  # seconds a stage
    model_version: str | None = None
    model_digest: str | None = None
    numerics: str | None = None  # of the worker that made the outputs; None: an older one, or none yet
    precision: Precision | None = None  # with which they were made; as above
    retried_from: str | None = None
    webhook: str | None = None  # the result of `webhook_record`
    retried_as: str | None = None  # the latest retry of this job; an item's retry replaces it in the batch
    cached_from: str | None = None  # the job whose result this one reused
    batch_id: str | None = None
    index: int | None = None  # in the batch
    custom_id: str | None = None  # the client's name for the item
    request_id: str | None = None  # of the HTTP request that submitted it; of an item only when it is claimed
    trace: str = ""  # the span of that request, as text of a TraceContext; "" for none; of items as above
    history: tuple[EndedAttempt, ...] = ()  # oldest first; the latest 20
    parents: Mapping[str, str] = field(
        default_factory=dict
    )  # by the name of an output, the job that makes it
    source: str | None = None  # of an item: the name of its picture below the prefix of its batch's source
    style_label: str | None = None  # of an item from a source
    delivery: Mapping[str, Any] | None = None  # of an item: what became of it at its batch's destination

    @property
    def is_done(self) -> bool:
        """Whether the status is final."""
        return self.status.is_terminal

    @property
    def is_delayed(self) -> bool:
        """Whether it is queued, and may not have been claimed as soon as it was."""
        return self.status is Status.QUEUED and self.not_before > self.created_at

    @property
    def counted_attempts(self) -> int:
        """The number of attempts, without those released at a shutdown."""
        return self.attempt - self.released
