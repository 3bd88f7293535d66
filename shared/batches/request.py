"""The batch request: settings for all items, and the forms in which a client may send items."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from shared.identifiers import FILE_ID
from shared.places.request import Destination, Source
from shared.specs.parts import (
    MAX_SEED,
    PICTURE_SCHEMA,
    STYLE_NAME,
    DeadlineSeconds,
    Lane,
    LaneName,
    Metadata,
    NotBefore,
    Part,
    PictureName,
    Seed,
    TtlSeconds,
    is_address,
    output_in,
)
from shared.specs.webhook import BatchWebhook

MAX_SAMPLE = 400  # items: what one contact sheet can show
MAX_LIST = 50_000  # values of one multiplied field
CUSTOM_ID = r"^[^\x00-\x1f\x7f]{1,64}$"
LABEL = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"

CustomId = Annotated[
    str, Field(pattern=CUSTOM_ID, description="Unique in the batch; without one, the item's index.")
]
Label = Annotated[str, Field(pattern=LABEL, description="Stands in the custom ids of the items.")]
Digit = Annotated[int, Field(ge=0, strict=True)]
Strength = Annotated[float, Field(allow_inf_nan=False)]


class StopWhen(Part):
    """When a batch pauses by itself, because too much of it goes wrong."""

    failed: int | None = Field(
        default=None, ge=1, strict=True, description="Items that failed or expired, in number."
    )
    share: float | None = Field(
        default=None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Items that failed or expired, as a share of those that are done.",
    )
    after: int = Field(
        default=10, ge=1, strict=True, description="Items that are done before `share` counts."
    )

    @model_validator(mode="after")
    def _stops_sometime(self) -> "StopWhen":
        if self.failed is None and self.share is None:
            raise ValueError("stop_when must have `failed`, `share` or both")
        return self


class BatchSettings(Part):
    """What holds for a batch and all of its items."""

    name: str = Field(default="", max_length=200, description="A name for people; it need not be unique.")
    metadata: Metadata = Field(
        default_factory=dict, description="Up to 16 pairs that come back with the batch."
    )
    lane: LaneName = Field(default=Lane.BULK, description="The lane of every item.")
    ttl_seconds: TtlSeconds | None = Field(
        default=None,
        description="How long the batch and its items are kept after it is done, in seconds; "
        "`GET /v1/limits` has the most.",
    )
    deadline_seconds: DeadlineSeconds | None = Field(
        default=None,
        description="Of every item that has none of its own, from the moment it was accepted.",
    )
    not_before: NotBefore | None = Field(
        default=None,
        exclude=True,
        description="No item starts before this time (RFC 3339, with its zone); `resume` starts them sooner.",
    )
    cache: bool = Field(
        default=False, description="Of every item that does not say: take over the result of an equal job."
    )
    stop_when: StopWhen | None = Field(
        default=None, description="When the batch pauses by itself, because too much of it goes wrong."
    )
    sample: int | None = Field(
        default=None,
        ge=1,
        le=MAX_SAMPLE,
        strict=True,
        description="So many items are done first; then the batch pauses, to be looked at, until `resume`.",
    )
    destination: Destination | None = Field(
        default=None,
        exclude=True,  # the record has a field for it, which older versions pass over
        description="The place of the operator's where each result is put, beside being kept.",
    )
    webhook: BatchWebhook | None = Field(
        default=None, description="The address that is told when the batch is done."
    )

    @property
    def kept(self) -> Self:
        """The settings as records keep them: without a notice, whose address is a secret."""
        return self.model_copy(update={"webhook": None}) if self.webhook and self.webhook.is_notice else self


def _is_output(value: Any) -> bool:
    """Whether a value names the output of a job, as text or as an object."""
    if isinstance(value, dict):
        return "job" in value
    return isinstance(value, str) and output_in(value) is not None


class LabeledContent(Part):
    """A content picture and what it is called in custom ids; a plain id stands for one without a label."""

    id: PictureName
    label: Label | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) or _is_output(value) else value


class LabeledStyle(Part):
    """A style and what it is called in custom ids; a plain file id, stored name or number stands for one."""

    image: PictureName | None = None
    name: str | None = Field(default=None, pattern=STYLE_NAME)
    number: int | None = Field(default=None, ge=0, le=1023, strict=True)
    label: Label | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if _is_output(value):
            return {"image": value}
        if isinstance(value, str):
            return {"image" if re.fullmatch(FILE_ID, value) or is_address(value) else "name": value}
        return {"number": value} if isinstance(value, int) else value

    @model_validator(mode="after")
    def _one_kind_of_style(self) -> "LabeledStyle":
        if sum(value is not None for value in (self.image, self.name, self.number)) != 1:
            raise ValueError("a style is given by an image, a name or a number, and only by one of them")
        return self


def _seeds(value: Any) -> Any:
    """Return the seeds of a range; return any other value unchanged, for the list's own validation."""
    if not isinstance(value, dict):
        return value
    first, last = value.get("from"), value.get("to")
    if set(value) != {"from", "to"} or type(first) is not int or type(last) is not int:
        raise ValueError('seed must be a list of whole numbers, or {"from": first, "to": last}')
    if not 0 <= first <= last <= MAX_SEED or last - first >= MAX_LIST:
        raise ValueError(
            f"seed must go from a number to a larger one, over at most {MAX_LIST} seeds up to {MAX_SEED}"
        )
    return list(range(first, last + 1))


def _or(schema: dict[str, Any], *plain: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [*plain, schema]})


# The first fault of a list is told: there may be one for each of its values, and each takes much memory.
_LIST: dict[str, Any] = {"min_length": 1, "max_length": MAX_LIST, "fail_fast": True}
_FILE: dict[str, Any] = dict(PICTURE_SCHEMA)
_LABEL = {"type": "string", "pattern": LABEL}
_STYLE = {
    "image": _FILE,
    "name": {"type": "string", "pattern": STYLE_NAME},
    "number": {"type": "integer", "minimum": 0},
}
_SEED = {"type": "integer", "minimum": 0, "maximum": MAX_SEED}
ContentValue = Annotated[
    LabeledContent, _or({"type": "object", "properties": {"id": _FILE, "label": _LABEL}}, _FILE)
]
StyleValue = Annotated[
    LabeledStyle,
    _or({"type": "object", "properties": {**_STYLE, "label": _LABEL}}, *_STYLE.values()),
]
SeedValues = Annotated[
    list[Seed],
    Field(min_length=1, max_length=MAX_LIST, fail_fast=True),
    BeforeValidator(_seeds),
    _or(
        {"type": "object", "properties": {"from": _SEED, "to": _SEED}, "required": ["from", "to"]},
        {"type": "array", "items": _SEED},
    ),
]


class Multiply(Part):
    """Lists of values for fields of a template; `content` changes slowest, `seed` fastest."""

    mode: Literal["product", "zip"] = Field(
        default="product", description="Every combination, or the first of each, the second of each ..."
    )
    content: list[ContentValue] | None = Field(default=None, **_LIST)
    style: list[StyleValue] | None = Field(default=None, **_LIST)
    model: list[str] | None = Field(default=None, **_LIST)
    strength: list[Strength] | None = Field(default=None, **_LIST)
    digit: list[Digit] | None = Field(default=None, **_LIST)
    seed: SeedValues | None = None

    @model_validator(mode="after")
    def _multiplies_something(self) -> "Multiply":
        if all(getattr(self, name) is None for name in type(self).model_fields if name != "mode"):
            raise ValueError("multiply must have at least one list")
        return self


class Envelope(BatchSettings):
    """The settings of a batch together with its items. These stay as sent: each is validated by itself."""

    open: bool = Field(
        default=False, description="Take more items by `POST .../items` until `POST .../finalize`."
    )
    source: Source | None = None
    items: list[Any] | None = None
    template: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_way_to_give_items(self) -> "Envelope":
        if self.source is not None and (self.template is None or self.open or self.items is not None):
            raise ValueError("source goes with `template` alone, which says what is made of each picture")
        if self.items is not None and self.template is not None:
            raise ValueError("give either `items` or `template`, not both")
        if not self.open and self.template is None and not self.items:
            raise ValueError("give `items` or `template`, or open: true to send items later")
        return self

    @property
    def settings(self) -> BatchSettings:
        """The settings of the batch, without its items."""
        named = {name: getattr(self, name) for name in BatchSettings.model_fields}
        return BatchSettings.model_construct(**named)
