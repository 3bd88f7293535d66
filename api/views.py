"""What answers look like: the models behind both the JSON that is sent and the OpenAPI document."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.cards import Kind
from shared.specs import JobSpec
from shared.status import Lane, Status

Url = Annotated[str, Field(json_schema_extra={"format": "uri"})]
Time = Annotated[
    str, Field(json_schema_extra={"format": "date-time"}, description="UTC, to the millisecond.")
]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=True)


class FaultView(_View):
    """One fault of one field of a request."""

    pointer: str = Field(description="JSON Pointer to the field; of a header or query parameter, its name.")
    detail: str
    code: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="Stable address that explains the code.")
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable and machine readable; the same as the last part of `type`.")
    instance: str
    request_id: str
    errors: list[FaultView] = Field(description="Every field at fault; empty where no field is.")


class JobError(BaseModel):
    """Why a job failed, or why its last attempt did."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    title: str
    detail: str
    code: str
    errors: list[FaultView] | None = None


class ProgressView(_View):
    """How far a running attempt is."""

    stage: str
    fraction: float = Field(ge=0, le=1, description="Over the whole job.")
    step: int | None = Field(description="Of a stage that counts its steps.")
    total: int | None


class QueueView(_View):
    """Where a queued job waits."""

    lane: Lane
    position: int = Field(ge=1, description="1 is the next to start.")
    eta_seconds: float | None = Field(description="Until it is done, from measured times; null until known.")


class ModelUse(_View):
    """The network that a job uses. Version and digest are known once it succeeded."""

    name: str
    version: str | None
    digest: str | None


class OutputView(_View):
    """One picture that a job made."""

    index: int
    url: Url
    content_type: str
    width: int
    height: int
    bytes: int
    sha256: str
    seed: int | None


class JobUrls(_View):
    """Where to go from here."""

    self: Url  # type: ignore[misc,unused-ignore]
    cancel: Url
    retry: Url
    events: Url
    result: Url


class JobView(_View):
    """A job."""

    id: str
    object: Literal["job"]
    type: Kind
    status: Status
    done: bool = Field(description="Whether the status is final.")
    progress: ProgressView | None
    queue: QueueView | None
    attempt: int = Field(description="Attempts begun, without those given back at a shutdown.")
    max_attempts: int
    retried_from: str | None
    input: JobSpec = Field(
        discriminator="type", description="As resolved: send it again for the same pictures."
    )
    model: ModelUse
    outputs: list[OutputView]
    error: JobError | None
    timings: dict[str, float] = Field(description="Seconds a stage; `queued` is the wait before the attempt.")
    worker: str | None
    metadata: dict[str, str]
    created_at: Time
    started_at: Time | None
    completed_at: Time | None
    expires_at: Time | None
    urls: JobUrls


class JobPage(_View):
    """Some jobs, newest first."""

    object: Literal["list"]
    data: list[JobView]
    next_cursor: str | None = Field(description="Hand it back as `cursor`; null on the last page.")


class FileUrls(_View):
    """Where a file is."""

    self: Url  # type: ignore[misc,unused-ignore]
    content: Url


class FileView(_View):
    """An uploaded picture."""

    id: str
    object: Literal["file"]
    content_type: str
    width: int = Field(description="Pixels, as the picture is meant to be seen.")
    height: int
    bytes: int
    sha256: str
    created_at: Time
    urls: FileUrls


class FilePage(_View):
    """Some files, newest first."""

    object: Literal["list"]
    data: list[FileView]
    next_cursor: str | None


class LoadedView(_View):
    """A version of a model, and how many live workers have it loaded."""

    version: str
    digest: str
    workers: int


class ModelView(_View):
    """A model that jobs may name."""

    name: str
    object: Literal["model"]
    type: Kind
    title: str
    description: str
    version: str
    license: str
    homepage: str | None
    default: bool = Field(description="Whether a job of this type that names no model gets it.")
    loaded: list[LoadedView] = Field(
        description="Empty: workers load it when a job needs it, if they have it."
    )
    url: Url
    input_schema: dict[str, Any] | None = Field(description="JSON Schema of a job; null in the list.")


class ModelList(_View):
    """All models."""

    object: Literal["list"]
    data: list[ModelView]


class Health(_View):
    """The process answers."""

    status: Literal["ok", "ready"]
    version: str


def rfc3339(milliseconds: int) -> str:
    """Return a time of the job store as RFC 3339 text."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
