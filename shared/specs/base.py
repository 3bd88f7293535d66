"""What every kind of job has: the fields that all may give, what the service asks of a kind, and ranges."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from shared.cards.card import ModelCard
from shared.cards.parts import Range
from shared.errors import FieldError
from shared.specs.parts import (
    MAX_SEED,
    RECIPE,
    DeadlineSeconds,
    Lane,
    LaneName,
    Metadata,
    NotBefore,
    Output,
    Part,
    PictureSize,
    Precision,
    TtlSeconds,
    is_address,
    output_in,
)
from shared.specs.webhook import Webhook

MAX_SIDE = 16_384  # pixels
MAX_PIXELS = 64_000_000  # of one picture, one sheet, or all frames of an animation
MAX_JOB_PIXELS = 256_000_000  # of all pictures of a job
_WEBP_MAX_SIDE = 16_383  # the format has no larger ones
ENLARGE = "/output/enlarge"  # the pointer of the field
ENLARGED = 40  # what a pixel costs that is enlarged, beside one that the network makes
_COUNTED = ("seeds", "latents", "interpolate")  # fields whose number of pictures is what counts
WRITTEN = 0.1  # what a pixel of the result costs beside one that the network makes: decoded, resized, encoded
DrawSeed = Callable[[int], int]  # a number of seeds to the first of them


def outside(name: str, value: float | None, card: ModelCard, limits: Range | None) -> Iterator[FieldError]:
    """Yield a fault where a field has a value outside of its range, or the model does not take the field."""
    if value is None:
        return
    if limits is None:
        text = f"{name} cannot be given: the model {card.name} does not take it"
        yield FieldError(f"/{name}", text, "unknown_parameter")
    elif not limits.minimum <= value <= limits.maximum:
        what = f"{name} must give" if name in _COUNTED else f"{name} must be"
        unit = " pictures" if name in _COUNTED else ""
        text = f"{what} between {limits.minimum:g} and {limits.maximum:g}{unit}; got {value:g}"
        yield FieldError(f"/{name}", text, "out_of_range")


def default_of(given: float | None, card: ModelCard, name: str) -> float | None:
    """Return a value, or the card's default where none is given."""
    limits = card.parameters.get(name)
    return given if given is not None or limits is None else limits.default


def longest_side(image_format: str) -> int:
    """Return how many pixels a side of a result may have."""
    return _WEBP_MAX_SIDE if image_format == "webp" else MAX_SIDE


def too_large(field: str, what: str, size: tuple[int, int], image_format: str) -> Iterator[FieldError]:
    """Yield a fault of the field that makes a picture of `size`, width and height in pixels, too large.

    A field within another is named with a dot.
    """
    side = longest_side(image_format)
    if max(size) > side:
        text = f"{what} would be {size[0]} x {size[1]} pixels; a side may have at most {side}"
        yield FieldError(_pointer(field), f"{field} is too large: {text}", "out_of_range")
    else:
        yield from too_many(field, what, size[0] * size[1], MAX_PIXELS)


def too_many(field: str, what: str, pixels: int, limit: int) -> Iterator[FieldError]:
    """Yield a fault of the field that makes more pixels than the limit."""
    if pixels > limit:
        text = f"{field} is too large: {what} would have {pixels} pixels; at most {limit} are allowed"
        yield FieldError(_pointer(field), text, "out_of_range")


def _pointer(field: str) -> str:
    return f"/{field.replace('.', '/')}"


def random_seed(count: int) -> int:
    """Return the first of `count` seeds, none above MAX_SEED."""
    return secrets.randbelow(MAX_SEED - count)


def _with_value(part: Any, path: Sequence[str], value: str) -> Any:
    """Return a part of a specification with one value, to which the path leads, replaced."""
    if not path:
        return value
    if isinstance(part, list):
        place = int(path[0])
        return [*part[:place], _with_value(part[place], path[1:], value), *part[place + 1 :]]
    return part.model_copy(update={path[0]: _with_value(getattr(part, path[0]), path[1:], value)})


class JobSpec(Part):
    """A job as the client asks for it. A subclass for each kind adds its fields and `type`, its name.

    What a method here does by itself holds for a kind without content, styles or seeds.
    """

    if TYPE_CHECKING:
        type: str  # subclasses declare it: in JSON it comes after the fields that all kinds have

    model: str | None = Field(
        default=None,
        description="A model's name, or `name@version` for one version of it; null takes the default of the "
        "type.",
    )
    recipe: str | None = Field(
        default=None,
        pattern=RECIPE,
        exclude_if=lambda recipe: recipe is None,  # most jobs have none
        description="Take settings from a recipe that `POST /v1/recipes` has kept, its latest version or "
        "another: `print-a3@2`. What the job gives itself goes over it.",
    )
    output: Output = Output()
    lane: LaneName = Lane.INTERACTIVE
    ttl_seconds: TtlSeconds | None = Field(
        default=None,
        description="How long the job is kept after it is done, in seconds; `GET /v1/limits` has the most.",
    )
    deadline_seconds: DeadlineSeconds | None = Field(
        default=None,
        description="Expires, queued or running, when it is not done this long after it was accepted.",
    )
    not_before: NotBefore | None = Field(
        default=None,
        exclude=True,
        description="Does not start before this time (RFC 3339, with its zone); one that is over starts at "
        "once. `GET /v1/limits` has how far ahead it may be.",
    )
    cache: bool = Field(
        default=False,
        description="Take over the result of an equal job that said so too, or share the work with it.",
    )
    webhook: Webhook | None = Field(default=None, description="The address that is told how the job goes.")
    metadata: Metadata = Field(
        default_factory=dict, description="Up to 16 pairs that come back with the job."
    )

    @property
    def draws_seeds(self) -> bool:
        """Whether seeds are drawn for the job when it is accepted, so that it has no equals."""
        return False

    @property
    def says_precision(self) -> bool:
        """Whether the job says with which precision its network computes."""
        return False

    def with_precision(self, card: ModelCard, default: Precision) -> Self:
        """Return the specification with an installation's default, where the model has the choice."""
        return self

    def made_with(self, precision: Precision) -> Self:
        """Return the resolved specification with the precision that its result has."""
        return self

    @property
    def kept(self) -> Self:
        """The specification as records keep and show it: without a notice, whose address is a secret."""
        return self.model_copy(update={"webhook": None}) if self.webhook and self.webhook.is_notice else self

    def range_faults(self, card: ModelCard) -> Iterator[FieldError]:
        """Yield a fault for every value that the card does not allow."""
        yield from ()

    def filled(
        self, card: ModelCard, draw_seed: DrawSeed = random_seed, also: Mapping[str, object] | None = None
    ) -> Self:
        """Return an allowed specification with model, defaults, seeds and what is in `also` filled in."""
        return self.model_copy(update={**(also or {}), "model": card.reference})

    def file_fields(self) -> Iterator[tuple[str, str]]:
        """Yield the pointer and the id of every file that the job reads."""
        yield from ()

    @property
    def inputs(self) -> list[str]:
        """Ids of all files that the job reads, and names of outputs of jobs, each once, in order."""
        return list(dict.fromkeys(file for _, file in self.file_fields()))

    @property
    def named_outputs(self) -> list[str]:
        """The names of all outputs of other jobs that the job reads, each once, in order."""
        return [name for name in self.inputs if output_in(name)]

    @property
    def addresses(self) -> dict[str, str]:
        """The pointer of the first field for each address of a picture that the request gives."""
        found: dict[str, str] = {}
        for pointer, name in self.file_fields():
            if is_address(name):
                found.setdefault(name, pointer)
        return found

    def with_files(self, files: Mapping[str, str]) -> Self:
        """Return the specification with ids of files, given by address, in the place of addresses."""
        changed = self
        for pointer, name in self.file_fields():
            if name in files:
                changed = _with_value(changed, pointer.split("/")[1:], files[name])
        return changed

    @property
    def named_styles(self) -> frozenset[str]:
        """Names of stored styles whose pictures are not filled in."""
        return frozenset()

    def with_style_files(self, files: Mapping[str, str | None]) -> tuple[Self, list[FieldError]]:
        """Return the specification with the pictures of named styles, and a fault for each unknown name."""
        return self, []

    def work_units(self, card: ModelCard, content: PictureSize | None) -> float:
        """Return how much work a resolved job is, in pixels that the network makes; 0.0 where not known."""
        return 0.0

    def made(self, card: ModelCard, content: PictureSize | None) -> tuple[int, int]:
        """Return how many files a resolved job makes, and their pixels together, 0 where not known.

        As its own network makes them: `output.enlarge` comes on top.
        """
        return 1, 0

    def of_picture(self, index: int, seed: int | None) -> Self:
        """Return the resolved specification that makes this one of the job's pictures alone.

        Of a picture that is not made alone it is the whole job's. `seed` is the picture's own, if it has one.
        """
        return self

    def picture_size(self, card: ModelCard, content: PictureSize | None) -> PictureSize | None:
        """Return the size of each picture that a resolved job makes; None where not known."""
        return None

    @property
    def further_models(self) -> dict[str, str]:
        """Names of the models that a job needs beside its own, by the pointer of the field that asks."""
        return {} if self.output.enlarger is None else {ENLARGE: self.output.enlarger}

    @property
    def all_models(self) -> frozenset[str]:
        """Names of the models that a resolved job needs."""
        return frozenset({self.model or "", *self.further_models.values()})

    @property
    def is_light(self) -> bool:
        """Whether one call of the network can do several such jobs of a batch."""
        return False
