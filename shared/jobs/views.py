"""The representation of a job for clients, in API responses and in webhooks."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.cards.parts import Kind
from shared.jobs.reasons import Hold, Reason
from shared.jobs.status import Outcome, Status
from shared.specs.parts import Lane, Precision
from shared.specs.spec import AnyJobSpec

Url = Annotated[str, Field(json_schema_extra={"format": "uri"})]
Time = Annotated[
    str, Field(json_schema_extra={"format": "date-time"}, description="UTC, to the millisecond.")
]


class View(BaseModel):
    """What all answers share."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=True)


class FaultView(View):
    """One fault of one field of a request."""

    pointer: str = Field(description="JSON Pointer to the field; of a header or query parameter, its name.")
    detail: str
    code: str


class JobError(BaseModel):
    """Why a job failed, or why its last attempt did."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    title: str
    detail: str
    code: str
    errors: list[FaultView] | None = None


class FailureView(View):
    """Jobs that failed or expired with one code."""

    code: str
    type: str = Field(description="Where the code is explained.")
    count: int
    example: str = Field(description="The id of the latest of them.")
    example_url: Url
    retryable: bool = Field(description="Whether the same job may succeed later, unchanged.")
    hint: str = Field(description="What to do about it.")


class ProgressView(View):
    """How far a running attempt is."""

    stage: str
    fraction: float = Field(ge=0, le=1, description="How much of the whole job is done.")
    step: int | None = Field(description="Of a stage that counts its steps: frames, optimization steps.")
    total: int | None
    preview_url: Url | None = Field(description="A picture of the work so far, where the job shows any.")


class HoldView(View):
    """Why something waits."""

    reason: Reason = Field(
        description="`workers_busy`: it starts when its turn comes and a worker is free. `no_worker`: none "
        "lives. `no_worker_has_model`: none of those that take jobs. `no_worker_serves_lane`: those that "
        "have it serve the other lane alone. `needs_newer_worker`: those that live "
        "are too old for it. `disk_full`: there is no room for results. `quota`: as many of the owner's jobs "
        "run as may. `paused`: until somebody goes on. `not_before`: the request named a time. `backoff`: it "
        "pauses after an attempt that ended with an error. `storage_away`: the storage did not answer it, or "
        "does not answer the workers. "
        "`held_after_crash`: it may have killed workers, each of which runs one such job at a time. "
        "`equal_job`: it takes over the result of an equal one that is not done. `waits_for`: it takes the "
        "output of another job that is not done; `detail` is the id of that one. More may come."
    )
    until: Time | None = Field(description="When the reason ends by itself, where that is known.")
    detail: str | None = Field(description="More about the reason, in words.")


class QueueView(HoldView):
    """Where a queued job waits, and why."""

    lane: Lane
    position: int | None = Field(
        ge=1,
        description="1 is the next to start. With an API key that is no admin's it counts the owner's own "
        "jobs alone: others' start in between. Null while it or its batch is paused, while an equal job "
        "runs whose result it takes over, and while it waits for the output of another job.",
    )
    eta_seconds: float | None = Field(
        description="Seconds until the job is done, from measured times; null until that is known. With an "
        "API key that is no admin's, as if only the owner's own jobs ran, from their times: the least."
    )


class ModelUse(View):
    """The network that a job uses. All but its name is known once the job succeeded."""

    name: str
    version: str | None
    digest: str | None
    numerics: str | None = Field(
        description="By what kernels, instructions and libraries the worker made the result. Equal jobs have "
        "equal bytes where this, `version` and `precision` are equal. Null of an older worker's result."
    )
    precision: Precision | None = Field(
        description="With which the result was made: `exact` where `fast` was asked for and the worker's "
        "processor or kernels have no bfloat16 numbers. Null of an older worker's result."
    )


class OutputView(View):
    """One picture that a job made."""

    index: int
    url: Url
    content_type: str
    width: int
    height: int
    bytes: int
    sha256: str
    seed: int | None


class AttemptView(View):
    """One run of a job by a worker."""

    number: int = Field(ge=1, description="Grows with every run; those given back count here too.")
    worker: str
    started_at: Time
    ended_at: Time | None
    outcome: Outcome | None = Field(
        description="How it ended; null while it runs. `released` by a worker that shut down, `lost` with "
        "one that died or froze, `requeued` by a person."
    )
    code: str | None = Field(description="Of the error that ended it, where one did.")


class JobUrls(View):
    """Where to go from here."""

    self: Url  # type: ignore[misc,unused-ignore]
    cancel: Url
    requeue: Url
    retry: Url
    pin: Url
    unpin: Url
    events: Url
    result: Url


class JobView(View):
    """A job."""

    id: str
    object: Literal["job"]
    type: Kind
    status: Status
    done: bool = Field(description="Whether the status is final.")
    progress: ProgressView | None
    queue: QueueView | None = Field(
        description="Where a queued job waits. Null in every other status, and where the job store went away "
        "before it told the place."
    )
    attempt: int = Field(description="Attempts begun, without those given back at a shutdown.")
    max_attempts: int
    crashes: int = Field(description="Attempts whose worker died or froze.")
    attempts: list[AttemptView] = Field(
        description="The history, oldest first: the latest 20 that ended, and the one that runs."
    )
    retried_from: str | None = Field(description="The job that this one tries again.")
    retried_as: str | None = Field(
        description="The latest job that tries this one again; null for items of batches, as for jobs that "
        "were not retried."
    )
    cached_from: str | None = Field(
        description="The equal job that computed these outputs, where `cache` took over its result."
    )
    batch_id: str | None = Field(description="Of an item of a batch; null for other jobs, as the next two.")
    index: int | None = Field(description="The item's place in its batch, from 0.")
    custom_id: str | None = Field(description="The client's name for the item.")
    request_id: str | None = Field(
        description="Of the request that submitted the job, as `X-Request-Id` and the log have it. "
        "Null for items of batches, whose batch has it, and for jobs that older versions accepted."
    )
    input: AnyJobSpec = Field(
        discriminator="type", description="As resolved: send it again for the same pictures."
    )
    model: ModelUse
    outputs: list[OutputView]
    warnings: list[str] = Field(
        description="Codes of what to know of the result: `truncated` where the file of a picture that was "
        "sent ends too early, and what is missing of it is empty; `smaller_form` where there was little "
        "memory, so that its last bits may differ from those of an equal job; `recipe_too_large` where how "
        "it was made is too much to stand in the picture; `not_upsampled` where `upsample: network` had "
        "nothing to do, as the painting had the result's size. More codes may come."
    )
    error: JobError | None
    timings: dict[str, float] = Field(
        description="Seconds a stage; `queued` is all the waiting before the latest attempt."
    )
    worker: str | None
    metadata: dict[str, str]
    created_at: Time
    started_at: Time | None
    completed_at: Time | None
    deadline_at: Time | None = Field(description="Expires, queued or running, when it is not done by then.")
    not_before: Time | None = Field(
        description="A queued job does not start before this time: the request named it, or an attempt that "
        "ended with an error. Null where there is none, and in every other status."
    )
    expires_at: Time | None = Field(
        description="When a job that is done will be forgotten; null while it is pinned."
    )
    pinned_at: Time | None = Field(
        description="Since when it is kept until it is unpinned or deleted; null of a job that is not pinned."
    )
    urls: JobUrls


def hold_fields(hold: Hold) -> dict[str, Any]:
    """Return the fields of a HoldView."""
    until = None if hold.until is None else rfc3339(hold.until)
    return {"reason": hold.reason, "until": until, "detail": hold.detail}


def moment_of(milliseconds: int) -> datetime:
    """Return a time of the job store."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def rfc3339(milliseconds: int) -> str:
    """Return a time of the job store as RFC 3339 text."""
    return moment_of(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
