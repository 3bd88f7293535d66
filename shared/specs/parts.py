"""The parts that job specifications are made of."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.identifiers import FILE_ID, JOB_ID
from shared.network.url import MAX_URL, fault_of_url

MAX_SEED = 2**53 - 1  # the largest integer that every JSON reader keeps exact
MAX_OUTPUT_COUNT = 1024  # above every card's own limit
STYLE_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
RECIPE_NAME = STYLE_NAME
RECIPE = r"^[a-z0-9][a-z0-9._-]{0,63}(@[1-9][0-9]{0,8})?$"  # a name, with a version or without

EXACT: Literal["exact"] = "exact"
FAST: Literal["fast"] = "fast"
Precision = Literal["exact", "fast"]

Seed = Annotated[int, Field(ge=0, le=MAX_SEED, strict=True)]
FileId = Annotated[str, Field(pattern=FILE_ID)]
_KIND = "job"  # how the name of an output begins, before a colon
_JOB_SCHEMA = {"type": "string", "pattern": JOB_ID, "description": "The id of one of the client's jobs."}
PICTURE_SCHEMA = {
    "anyOf": [
        {
            "type": "string",
            "pattern": r"^(file_[0-9a-f]{64}$|job:[A-Za-z0-9]|[Hh][Tt][Tt][Pp][Ss]?://|[Dd][Aa][Tt][Aa]:)",
        },
        {
            "type": "object",
            "properties": {
                "job": _JOB_SCHEMA,
                "output": {"type": "integer", "minimum": 0, "maximum": MAX_OUTPUT_COUNT - 1, "default": 0},
            },
            "required": ["job"],
            "additionalProperties": False,
        },
    ]
}
_FILE = re.compile(FILE_ID)
_OUTPUT = re.compile(rf"{_KIND}:({JOB_ID.strip('^$')})(?:/(0|[1-9][0-9]{{0,3}}))?")
_DATA = re.compile(r"data:", re.IGNORECASE)
_REMOTE = re.compile(r"https?://", re.IGNORECASE)


def is_data(text: str) -> bool:
    """Whether a text is a picture itself, as a data URL."""
    return _DATA.match(text) is not None


def is_address(text: str) -> bool:
    """Whether a text is the address of a picture, which is fetched or decoded when the job is submitted."""
    return is_data(text) or _REMOTE.match(text) is not None


class NamedOutput(NamedTuple):
    """An output of a job, as another job names it for a picture."""

    job_id: str
    number: int  # from 0

    @property
    def name(self) -> str:
        """The text in the place of a file's id, in specifications and records."""
        return f"{_KIND}:{self.job_id}/{self.number}"


def output_in(text: str) -> NamedOutput | None:
    """Return the output of a job that a text names; None for other texts."""
    found = _OUTPUT.fullmatch(text) if text.startswith(f"{_KIND}:") else None
    return NamedOutput(found[1], int(found[2] or 0)) if found else None


def _output_name(value: Any) -> Any:
    """Return the name of an output that is given as an object or without its number; else the value."""
    if isinstance(value, str):
        named = output_in(value)
        return named.name if named else value
    if not isinstance(value, dict):
        return value
    job_id, index = value.get("job"), value.get("output", 0)
    is_whole = isinstance(index, int) and not isinstance(index, bool) and 0 <= index < MAX_OUTPUT_COUNT
    if not is_whole or not isinstance(job_id, str) or value.keys() - {"job", "output"}:
        text = 'Input should be an object such as {"job": "job_0123...", "output": 0}'
        raise PydanticCustomError("picture_output", text)
    return f"{_KIND}:{job_id}/{index}"


def _picture(text: str) -> str:
    if is_data(text) or _FILE.fullmatch(text):
        return text
    if text.startswith(f"{_KIND}:"):
        named = output_in(text)
        if named is None or named.number >= MAX_OUTPUT_COUNT:
            message = "Input should be the output of a job, such as job:job_0123.../0"
            raise PydanticCustomError("picture_output", message)
        return named.name
    if not is_address(text):
        message = "Input should be the id of an uploaded file"
        raise PydanticCustomError("string_pattern_mismatch", message, {"pattern": FILE_ID})
    fault = f"has more than {MAX_URL} characters" if len(text) > MAX_URL else fault_of_url(text)
    if fault:
        raise PydanticCustomError("picture_address", "is an address that {fault}", {"fault": fault})
    return text


# The id of an uploaded file, or the name of an output of a job; in a request also an address.
PictureName = Annotated[
    str, BeforeValidator(_output_name), AfterValidator(_picture), WithJsonSchema(PICTURE_SCHEMA)
]
TtlSeconds = Annotated[int, Field(ge=1, le=365 * 24 * 3600)]
DeadlineSeconds = Annotated[int, Field(ge=1, le=30 * 24 * 3600)]


def _time_text(value: Any) -> Any:
    if isinstance(value, int | float | bytes):  # a number could be seconds or milliseconds
        raise PydanticCustomError("datetime_type", "Input should be a time with its zone (RFC 3339)")
    return value


def _with_zone(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise PydanticCustomError("timezone_aware", "Input should have a time zone, such as Z or +02:00")
    return value


# No record holds it in its specification: the record has its own field, which moves change.
NotBefore = Annotated[datetime, Field(strict=False), BeforeValidator(_time_text), AfterValidator(_with_zone)]
Metadata = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=16),
]
LatentVector = Annotated[
    list[Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]],
    Field(min_length=1, max_length=4096, fail_fast=True),  # each fault takes much more memory than a number
]


class PictureSize(NamedTuple):
    """The size of a content picture."""

    width: int  # pixels
    height: int  # pixels
    frames: int = 1


class Part(BaseModel):
    """A piece of a specification: frozen, without unknown fields, and of values of exactly the types named.

    Only a whole number may stand for any number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Lane(StrEnum):
    """Which of the two waiting lines a job stands in."""

    INTERACTIVE = "interactive"  # somebody is waiting
    BULK = "bulk"  # served when nobody is


LaneName = Annotated[Lane, Field(strict=False)]  # a lane, or its name


class Output(Part):
    """How pictures are encoded."""

    format: Literal["png", "jpeg", "webp", "gif"] = Field(
        default="png", description="The format of the pictures. Only animations may be gif."
    )
    quality: int = Field(
        default=90,
        ge=1,
        le=100,
        description="The quality of jpeg and webp pictures; the other formats do not lose any.",
    )
    profile: Literal["srgb", "keep"] = Field(
        default="srgb",
        exclude_if=lambda profile: profile == "srgb",  # most jobs do not ask
        description="The colors of the pictures: sRGB, or those of the content's own color profile, which "
        "goes along. Content without a profile for screens, and every animation, is sRGB.",
    )
    metadata: Literal["none", "safe", "all"] = Field(
        default="none",
        exclude_if=lambda metadata: metadata == "none",
        description="What the pictures take over of the content's metadata: nothing; camera, dates, author, "
        "copyright and description; or all of it, the place where it was taken too.",
    )
    recipe: bool | None = Field(
        default=None,
        exclude_if=lambda recipe: recipe is not False,  # older workers, which write none, read such too
        description="Whether each picture holds how it was made, for `POST /v1/jobs/again`; null takes what "
        "the operator has set, which is yes by default.",
    )

    enlarge: Literal[2, 3, 4] | None = Field(
        default=None,
        exclude_if=lambda factor: factor is None,  # older versions read such records too
        description="Enlarges each finished picture so many times, by the model `enlarge-x2`, `enlarge-x3` "
        "or `enlarge-x4`.",
    )

    def resolved(self, *, recipe: bool) -> "Output":
        """Return the output with what holds where the request does not say: what is not False is yes."""
        return self if recipe or self.recipe is not None else self.model_copy(update={"recipe": False})

    @property
    def is_plain(self) -> bool:
        """Whether a resolved job asks for nothing that workers of schema 4 did not know."""
        takes_nothing = self.profile == "srgb" and self.metadata == "none"
        return self.writes_recipe and takes_nothing and self.enlarge is None

    @property
    def writes_recipe(self) -> bool:
        """Whether each picture of a resolved job holds how it was made."""
        return self.recipe is not False

    @property
    def enlarger(self) -> str | None:
        """The name of the model that enlarges; None where none does."""
        return None if self.enlarge is None else f"enlarge-x{self.enlarge}"

    @property
    def factor(self) -> int:
        """How many times as large the sides of the result are as those of the finished picture."""
        return self.enlarge or 1


class Grid(Part):
    """Put all pictures of a job into one, row by row."""

    columns: int = Field(default=8, ge=1, le=64)
    gap: int = Field(default=2, ge=0, le=64, description="How many pixels lie between two pictures.")

    def size(self, count: int, picture: tuple[int, int]) -> tuple[int, int]:
        """Return width and height of the sheet of `count` pictures of one size, in pixels."""
        columns = min(self.columns, count)
        rows = -(-count // columns)
        return columns * (picture[0] + self.gap) - self.gap, rows * (picture[1] + self.gap) - self.gap


class Animation(Part):
    """Put all pictures of a job into one animated file, gif or webp."""

    frame_milliseconds: int = Field(default=80, ge=20, le=10_000)
    loop: bool = Field(default=True, description="Whether the animation repeats for ever or plays once.")


class Upscale(Part):
    """Enlarge each generated picture by a whole factor."""

    factor: int = Field(default=1, ge=1, le=32)
    filter: Literal["nearest", "lanczos"] = "nearest"


class Interpolation(Part):
    """A walk through the latent space from point to point, spherical in the normals."""

    seeds: list[Seed] | None = Field(default=None, min_length=2, max_length=16)
    latents: list[LatentVector] | None = Field(default=None, min_length=2, max_length=16)
    steps: int = Field(
        default=16, ge=2, le=256, description="Pictures from one point to the next, both included."
    )

    @model_validator(mode="after")
    def _points_are_named_once(self) -> "Interpolation":
        if (self.seeds is None) == (self.latents is None):
            raise ValueError("give `interpolate` either two or more seeds, or two or more latents")
        return self

    @property
    def points(self) -> int:
        """How many points the walk visits."""
        return len(self.seeds or self.latents or [])

    @property
    def frames(self) -> int:
        """How many pictures the walk makes; a point between two stretches counts once."""
        return (self.points - 1) * (self.steps - 1) + 1


class Size(Part):
    """The size of a picture made from a picture. It never grows beyond the content's own."""

    max_side: int | None = Field(
        default=None,
        ge=16,
        le=16_384,
        description="The longest side in pixels; null keeps the size of the content.",
    )


class WeightedStyle(Part):
    """One of a job's styles and its share: an image, a stored style's name, or a built-in style's number."""

    image: PictureName | None = None
    name: str | None = Field(
        default=None, pattern=STYLE_NAME, description="The name of a style that POST /v1/styles has kept."
    )
    number: int | None = Field(
        default=None,
        ge=0,
        le=1023,
        strict=True,
        description="The number of a style that is part of the network.",
    )
    weight: float = Field(default=1.0, gt=0, le=100, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_kind_of_style(self) -> "WeightedStyle":
        if (self.number is None) == (self.image is None and self.name is None):
            raise ValueError("a style is given by an image, a name or a number, and only by one of them")
        return self


class Optimization(Part):
    """How an optimization-based model works; other models do not take it."""

    steps: int = Field(default=200, ge=10, le=2000)
    style_weight: float = Field(default=1.0, gt=0, le=1000)
    content_weight: float = Field(default=1.0, gt=0, le=1000)
    variation_weight: float = Field(
        default=1.0,
        ge=0,
        le=1000,
        description="How much the picture is smoothed, as the weight of its total variation.",
    )
    optimizer: Literal["adam", "lbfgs"] = "adam"
    preview_every: int = Field(
        default=0, ge=0, le=1000, description="How many steps lie between two previews; 0 makes none."
    )
