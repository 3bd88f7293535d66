"""What files, models, styles, problems and pages look like, as JSON and in the OpenAPI document."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.cards.folder import CardFault
from shared.cards.parts import Kind
from shared.jobs.views import FaultView, Time, Url, View


class FileUrls(View):
    """Where a file is."""

    self: Url  # type: ignore[misc,unused-ignore]
    content: Url


class FileView(View):
    """An uploaded picture."""

    id: str
    object: Literal["file"]
    content_type: str
    width: int = Field(description="Pixels, as the picture is meant to be seen.")
    height: int
    bytes: int
    sha256: str
    created_at: Time
    expires_at: Time | None = Field(
        description="When it is forgotten unless it is used before; null while a job or a style names it."
    )
    urls: FileUrls


class BatchLimitsView(View):
    """What the items of one request may ask for together; amounts are estimated before they are accepted."""

    max_items: int = Field(description="Of the whole batch.")
    max_record_mebibytes: int = Field(description="Of the job store's memory, for a whole batch.")
    max_pictures: int = Field(description="Files that the items make.")
    max_gigapixels: float = Field(description="Of all pictures that the items make.")
    max_result_gibibytes: float = Field(description="Of storage, about.")
    max_hours: float = Field(description="Of one worker's slot, where the time of such work was measured.")


class LimitsView(View):
    """What the service takes of a picture, of a job and of a batch."""

    object: Literal["limits"]
    max_bytes: int = Field(description="Of the body of an upload: a file must be a little smaller.")
    max_pixels: int
    max_side: int = Field(description="Pixels.")
    min_side: int = Field(description="Pixels.")
    max_frames: int = Field(description="Of an animation.")
    max_missing_percent: float = Field(description="Of the pixels of a file that ends too early.")
    formats: list[str]
    max_spec_bytes: int = Field(description="Of a job as JSON, with its defaults and seeds.")
    max_ttl_seconds: int = Field(description="The longest `ttl_seconds`.")
    max_delay_seconds: int = Field(description="How far ahead `not_before` may be.")
    batch: BatchLimitsView


class FilePage(View):
    """Some files, newest first."""

    object: Literal["list"]
    data: list[FileView]
    next_cursor: str | None


class LoadedView(View):
    """A version of a model, and how many live workers have it loaded."""

    version: str
    digest: str
    workers: int


class ModelView(View):
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
    available: bool | None = Field(
        description="Whether a live worker has it, so that jobs may name it; null where none lives or says."
    )
    loaded: list[LoadedView] | None = Field(
        description="Empty: workers load it when a job needs it, if they have it. Null for an API key that "
        "is no admin's: it would tell which models others use."
    )
    url: Url
    input_schema: dict[str, Any] | None = Field(description="JSON Schema of a job; null in the list.")


class ModelLimitsView(View):
    """How much of a model may run at once."""

    running: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = Field(
        description="Jobs of the model, over all workers; more of them wait, and other jobs go on. "
        "Null: any number."
    )


class CardFaultView(View):
    """A file in the operator's folder of cards that is at fault; no job may name its model."""

    name: str = Field(
        description="The model that the file is a card of; the file's name where it does not say."
    )
    path: str = Field(description="The file, on the machine of the API.")
    field: str = Field(description="The first field at fault; empty where it is the file as a whole.")
    detail: str = Field(description="What is wrong with each field at fault.")

    @classmethod
    def of(cls, fault: CardFault) -> "CardFaultView":
        """Return the representation of a fault."""
        return cls(name=fault.name, path=str(fault.path), field=fault.field, detail=fault.detail)


class ModelList(View):
    """All models."""

    object: Literal["list"]
    data: list[ModelView]
    unavailable: list[CardFaultView] = Field(description="Cards that cannot be used, and why.")


class StyleUrls(View):
    """Where a style is."""

    self: Url  # type: ignore[misc,unused-ignore]
    image: Url


class StyleView(View):
    """A picture kept under a name."""

    name: str = Field(description="What a job gives as a style's `name`.")
    object: Literal["style"]
    image: str = Field(description="Id of the picture's file, which stays as long as the style does.")
    created_at: Time
    urls: StyleUrls


class BuiltinStyle(View):
    """A style that is part of a network."""

    number: int = Field(description="What a job gives as a style's `number`.")
    name: str


class BuiltinStyles(View):
    """The styles of one network that has its own."""

    model: str
    styles: list[BuiltinStyle]
    sheet_url: Url | None = Field(description="A picture that shows all of them, by number.")


class StylePage(View):
    """Some stored styles, newest first, and the built-in ones of all models."""

    object: Literal["list"]
    data: list[StyleView]
    next_cursor: str | None
    builtin: list[BuiltinStyles]


class Health(View):
    """The process answers."""

    status: Literal["ok", "ready"]
    version: str


class QuotaUseView(BaseModel):
    """The limit that refused a request."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="`queued`, `stored_bytes` or `daily_pixels`.")
    limit: int
    used: int
    asked: int = Field(description="How much more the request asked for.")


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
    quota: QuotaUseView | None = Field(default=None, description="Only of `quota_exceeded`.")
