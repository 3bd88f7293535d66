"""The job record as the rest of the program sees it, and its form in Redis."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from shared.specs import JOB_SPEC, JobSpec
from shared.status import Lane, Status

RECORD_SCHEMA = 1


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
    step: int | None = None  # of a stage that counts its steps: frames, tiles, optimization steps
    total: int | None = None
    preview: str | None = None  # key of the latest picture of the work


@dataclass(frozen=True, slots=True)
class Job:
    """One job, as read from the store. Times are milliseconds since the epoch by the server's clock."""

    id: str
    owner: str
    status: Status
    lane: Lane
    spec: JobSpec  # resolved: model, seeds and defaults are filled in
    inputs: Mapping[str, str]  # file id to object key
    version: int  # grows with every change
    attempt: int  # fencing token of the latest claim; 0 before the first
    released: int  # claims given back without counting
    failures: int  # attempts that ended with a transient error
    crashes: int  # attempts whose worker died or froze
    sequence: int  # order of acceptance, unique
    created_at: int
    not_before: int  # earliest next claim
    started_at: int | None = None  # of the latest attempt
    completed_at: int | None = None
    expires_at: int | None = None
    worker: str | None = None
    progress: Progress | None = None
    outputs: tuple[StoredOutput, ...] = ()
    error: Mapping[str, Any] | None = None
    timings: Mapping[str, float] = field(default_factory=dict)  # seconds a stage
    model_version: str | None = None
    model_digest: str | None = None
    retried_from: str | None = None

    @property
    def counted_attempts(self) -> int:
        """Attempts, without those given back at shutdown."""
        return self.attempt - self.released


def _number(raw: Mapping[str, str], name: str) -> int | None:
    return int(raw[name]) if raw.get(name) else None


def _document(raw: Mapping[str, str], name: str) -> Any:
    return json.loads(raw[name]) if raw.get(name) else None


def job_from_record(raw: Mapping[str, str]) -> Job:
    """Build a Job from the fields of its Redis hash."""
    progress = _document(raw, "progress")
    return Job(
        id=raw["id"],
        owner=raw["owner"],
        status=Status(raw["status"]),
        lane=Lane(raw["lane"]),
        spec=JOB_SPEC.validate_json(raw["spec"]),
        inputs=_document(raw, "inputs") or {},
        version=int(raw["version"]),
        attempt=int(raw["attempt"]),
        released=int(raw["released"]),
        failures=int(raw["failures"]),
        crashes=int(raw["crashes"]),
        sequence=int(raw["sequence"]),
        created_at=int(raw["created_at"]),
        not_before=int(raw["not_before"]),
        started_at=_number(raw, "started_at"),
        completed_at=_number(raw, "completed_at"),
        expires_at=_number(raw, "expires_at"),
        worker=raw.get("worker") or None,
        progress=Progress(**{"preview": raw.get("preview"), **progress}) if progress else None,
        outputs=tuple(StoredOutput(**item) for item in _document(raw, "outputs") or []),
        error=_document(raw, "error"),
        timings=_document(raw, "timings") or {},
        model_version=raw.get("model_version") or None,
        model_digest=raw.get("model_digest") or None,
        retried_from=raw.get("retried_from") or None,
    )


def outputs_to_json(outputs: tuple[StoredOutput, ...]) -> str:
    """Return the text that the record keeps for the outputs."""
    return json.dumps([asdict(output) for output in outputs], separators=(",", ":"))
