"""The client's view of a job, read from the service's JSON. Unknown members are ignored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from atelier.client.errors import ClientError, Fault, reading

JobType = Literal["generate", "stylize", "transform"]
Status = Literal["queued", "running", "succeeded", "failed", "canceled", "expired"]
TERMINAL = frozenset({"succeeded", "failed", "canceled", "expired"})


@dataclass(frozen=True, slots=True)
class Output:
    """One picture that a job made."""

    index: int
    url: str  # of the bytes
    content_type: str
    width: int  # pixels
    height: int  # pixels
    bytes: int
    sha256: str
    seed: int | None = None  # generation only; None for a grid, an animation, and where latents were given


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running job is."""

    fraction: float  # 0..1 over the whole job
    stage: str
    step: int | None = None  # of a stage that counts its steps: frames, optimization steps
    total: int | None = None
    preview_url: str | None = None  # of a picture of the work so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why a job, or the next item of a batch, has not started."""

    reason: str = ""  # workers_busy, paused, backoff, not_before ...; "" from an older service
    until: datetime | None = None  # when the reason ends by itself
    detail: str | None = None  # more about it, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue(Hold):
    """The place of a queued job, and why it has not started."""

    position: int | None = None  # 1 is the next to start
    eta_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed."""

    code: str  # stable
    detail: str
    errors: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a job by a worker."""

    number: int
    worker: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None  # None while it runs; succeeded, failed, transient, released, lost ...
    code: str | None = None  # of the error that ended it


@dataclass(frozen=True, slots=True)
class Job:
    """One job, as the service's response described it."""

    id: str
    type: JobType
    status: Status
    input: Mapping[str, Any]  # as resolved: model, seeds and defaults filled in
    attempt: int = 0
    attempts: tuple[Attempt, ...] = ()  # the history, oldest first
    crashes: int = 0  # attempts whose worker died or froze
    progress: Progress | None = None
    queue: Queue | None = None
    outputs: tuple[Output, ...] = ()
    # Codes: "truncated" where the file of a picture that was sent ends too early, "smaller_form",
    # "recipe_too_large" ...
    warnings: tuple[str, ...] = ()
    numerics: str | None = None  # by what the result was made: equal jobs of one have equal bytes
    precision: str | None = None  # of the result; "exact" where the worker could not be "fast"
    error: JobError | None = None
    timings: Mapping[str, float] = field(default_factory=dict)  # seconds a stage
    metadata: Mapping[str, str] = field(default_factory=dict)
    cached_from: str | None = None  # the equal job that computed these outputs
    urls: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    deadline_at: datetime | None = None  # it expires when not done by then
    not_before: datetime | None = None  # a queued job does not start earlier
    expires_at: datetime | None = None  # a job that is done is forgotten then
    pinned_at: datetime | None = None  # it is kept until it is unpinned or deleted
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document

    @property
    def done(self) -> bool:
        """Whether the job is over for good."""
        return self.status in TERMINAL

    @property
    def succeeded(self) -> bool:
        """Whether the outputs can be read."""
        return self.status == "succeeded"

    def as_input(self, number: int = 0) -> str:
        """Return the name of one of its outputs, which another job takes as a picture, and waits for."""
        return ":".join(("job", f"{self.id}/{number}"))


class JobFailed(ClientError):
    """Raised when pictures are requested of a job that has none; `job` is its last state.

    It ended failed, canceled or expired, or it is not done.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        detail = job.error.detail if job.error else ""
        if not job.done:
            detail = "the job was not done when it was read; `wait` returns the finished job"
        super().__init__(f"{job.id} {job.status}{': ' if detail else ''}{detail}")


def job_from_json(body: Any) -> Job:
    """Read a job; raise ProtocolError where the document is none."""
    with reading("a job"):
        return Job(
            id=body["id"],
            type=body["type"],
            status=body["status"],
            input=body.get("input") or {},
            attempt=int(body.get("attempt") or 0),
            attempts=tuple(_attempt(item) for item in body.get("attempts") or ()),
            crashes=int(body.get("crashes") or 0),
            progress=_progress(body.get("progress")),
            queue=_queue(body.get("queue")),
            outputs=outputs_from_json(body),
            warnings=tuple(body.get("warnings") or ()),
            numerics=(body.get("model") or {}).get("numerics"),
            precision=(body.get("model") or {}).get("precision"),
            error=error_from_json(body.get("error")),
            timings=body.get("timings") or {},
            metadata=body.get("metadata") or {},
            cached_from=body.get("cached_from"),
            urls=body.get("urls") or {},
            created_at=moment(body.get("created_at")),
            started_at=moment(body.get("started_at")),
            completed_at=moment(body.get("completed_at")),
            deadline_at=moment(body.get("deadline_at")),
            not_before=moment(body.get("not_before")),
            expires_at=moment(body.get("expires_at")),
            pinned_at=moment(body.get("pinned_at")),
            raw=body,
        )


def _attempt(body: Mapping[str, Any]) -> Attempt:
    return Attempt(
        number=int(body["number"]),
        worker=str(body.get("worker") or ""),
        started_at=moment(body.get("started_at")),
        ended_at=moment(body.get("ended_at")),
        outcome=body.get("outcome"),
        code=body.get("code"),
    )


def outputs_from_json(body: Mapping[str, Any]) -> tuple[Output, ...]:
    """Read the outputs of a job or an item; those without an index are counted."""
    return tuple(_output(index, entry) for index, entry in enumerate(body.get("outputs") or ()))


def _output(index: int, body: Mapping[str, Any]) -> Output:
    return Output(
        index=int(body.get("index", index)),
        url=body["url"],
        content_type=body["content_type"],
        width=int(body["width"]),
        height=int(body["height"]),
        bytes=int(body["bytes"]),
        sha256=body["sha256"],
        seed=body.get("seed"),
    )


def _progress(body: Mapping[str, Any] | None) -> Progress | None:
    if not body:
        return None
    counted = (body.get("step"), body.get("total"), body.get("preview_url"))
    return Progress(float(body.get("fraction") or 0), str(body.get("stage") or ""), *counted)


def _queue(body: Mapping[str, Any] | None) -> Queue | None:
    if not body:
        return None
    return Queue(position=body.get("position"), eta_seconds=body.get("eta_seconds"), **_hold(body))


def hold_from_json(body: Mapping[str, Any] | None) -> Hold | None:
    """Read why something waits; None where nothing does."""
    return Hold(**_hold(body)) if body else None


def _hold(body: Mapping[str, Any]) -> dict[str, Any]:
    until = moment(body.get("until"))
    return {"reason": str(body.get("reason") or ""), "until": until, "detail": body.get("detail")}


def error_from_json(body: Mapping[str, Any] | None) -> JobError | None:
    """Read the error of a job or an item; None where it has none."""
    if not body:
        return None
    faults = tuple(Fault.from_json(entry) for entry in body.get("errors") or ())
    return JobError(str(body.get("code", "")), str(body.get("detail") or body.get("title") or ""), faults)


def moment(text: str | None) -> datetime | None:
    """Read a time of the service; None for none."""
    return datetime.fromisoformat(text) if text else None
