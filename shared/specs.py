"""What a client may ask for: the job specifications, a union discriminated by `type`."""

import secrets
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from shared.cards import Catalog, Kind, ModelCard, Range
from shared.errors import FieldError, InvalidRequest
from shared.identifiers import FILE_ID
from shared.status import Lane

MAX_SEED = 2**53 - 1  # the largest integer that every JSON reader keeps exact
MAX_OUTPUT_COUNT = 1024  # above every card's own limit

Seed = Annotated[int, Field(ge=0, le=MAX_SEED, strict=True)]
FileId = Annotated[str, Field(pattern=FILE_ID)]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Output(_Data):
    """How pictures are encoded."""

    format: Literal["png", "jpeg", "webp"] = "png"
    quality: int = Field(default=90, ge=1, le=100, description="For jpeg and webp.")


class Grid(_Data):
    """Put all pictures of a job into one, row by row."""

    columns: int = Field(default=8, ge=1, le=64)
    gap: int = Field(default=2, ge=0, le=64, description="Pixels between pictures.")


class Size(_Data):
    """The size of a stylized picture. It never grows beyond the content's own."""

    max_side: int | None = Field(
        default=None, ge=16, le=16_384, description="Longest side in pixels; null keeps the content's size."
    )


class WeightedStyle(_Data):
    """A style image and its share among the styles of a job."""

    image: FileId
    weight: float = Field(default=1.0, gt=0, le=100)


class _Common(_Data):
    model: str | None = Field(default=None, description="A model's name; null takes the default of the type.")
    output: Output = Output()
    lane: Lane = Lane.INTERACTIVE
    ttl_seconds: int | None = Field(
        default=None, ge=1, le=365 * 24 * 3600, description="Kept this long when done."
    )
    metadata: dict[
        Annotated[str, Field(min_length=1, max_length=64)], Annotated[str, Field(max_length=512)]
    ] = Field(default_factory=dict, max_length=16, description="Up to 16 pairs that come back with the job.")


class GenerateSpec(_Common):
    """Pictures from a generator: `seeds`, or `count` seeds from `seed` on."""

    type: Literal["generate"]
    seed: Seed | None = Field(
        default=None, description="First seed; drawn at submission where none is given."
    )
    count: int | None = Field(default=None, ge=1, le=MAX_OUTPUT_COUNT, strict=True)
    seeds: list[Seed] | None = Field(default=None, min_length=1, max_length=MAX_OUTPUT_COUNT)
    digit: int | None = Field(
        default=None, ge=0, le=MAX_SEED, strict=True, description="The class; null draws it from the seed."
    )
    truncation: float | None = Field(default=None, gt=0, description="Scale of the latent's normals.")
    grid: Grid | None = None

    @model_validator(mode="after")
    def _one_way_to_name_seeds(self) -> "GenerateSpec":
        if self.seeds is not None and (self.seed is not None or self.count is not None):
            raise ValueError("give either seeds, or seed and count")
        if self.seed is not None and self.seed + (self.count or 1) - 1 > MAX_SEED:
            raise ValueError(f"seed + count - 1 must not exceed {MAX_SEED}")
        return self


class StylizeSpec(_Common):
    """The content image, painted in the manner of the style images."""

    type: Literal["stylize"]
    content: FileId
    styles: list[WeightedStyle] = Field(min_length=1, max_length=8)
    strength: float | None = Field(default=None, description="0 gives back the content, 1 the full style.")
    size: Size = Size()

    @property
    def inputs(self) -> list[str]:
        """Ids of all files that the job reads."""
        return [self.content, *(style.image for style in self.styles)]


JobSpec = Annotated[GenerateSpec | StylizeSpec, Field(discriminator="type")]
JOB_SPEC: TypeAdapter[GenerateSpec | StylizeSpec] = TypeAdapter(JobSpec)


def inputs_of(spec: GenerateSpec | StylizeSpec) -> list[str]:
    """Return the ids of all files that a job reads, each once, in order."""
    return list(dict.fromkeys(spec.inputs)) if isinstance(spec, StylizeSpec) else []


def resolve(spec: GenerateSpec | StylizeSpec, catalog: Catalog) -> GenerateSpec | StylizeSpec:
    """Fill in model, defaults and seeds, so that the same resolved spec gives the same bytes.

    Raises UnknownModel, or InvalidRequest that names every value outside its card's range.
    """
    card = _card(spec, catalog)
    check_ranges(spec, card)
    if isinstance(spec, StylizeSpec):
        return spec.model_copy(
            update={"model": card.name, "strength": _value(spec.strength, card, "strength")}
        )
    seeds = spec.seeds if spec.seeds is not None else _seeds(spec, card)
    update = {"model": card.name, "seeds": seeds, "seed": None, "count": None}
    return spec.model_copy(update={**update, "truncation": _value(spec.truncation, card, "truncation")})


def _card(spec: GenerateSpec | StylizeSpec, catalog: Catalog) -> ModelCard:
    kind: Kind = spec.type
    return catalog.default(kind) if spec.model is None else catalog.get(spec.model, kind)


def _value(given: float | None, card: ModelCard, name: str) -> float | None:
    limits = card.parameters.get(name)
    return given if given is not None or limits is None else limits.default


def _seeds(spec: GenerateSpec, card: ModelCard) -> list[int]:
    count = spec.count or int(card.parameters["count"].default)
    first = spec.seed if spec.seed is not None else secrets.randbelow(MAX_SEED - count)
    return list(range(first, first + count))


def check_ranges(spec: GenerateSpec | StylizeSpec, card: ModelCard) -> None:
    """Raise InvalidRequest that names every value outside the range its model's card gives."""
    errors = [error for error in _range_faults(spec, card) if error is not None]
    if errors:
        raise InvalidRequest("; ".join(error.detail for error in errors), errors=errors)


def _range_faults(spec: GenerateSpec | StylizeSpec, card: ModelCard) -> list[FieldError | None]:
    if isinstance(spec, StylizeSpec):
        return [_outside("strength", spec.strength, card)]
    classes = card.latent.classes if card.latent else 0
    known = Range(minimum=0, maximum=max(classes - 1, 0), default=0) if classes else None
    count = len(spec.seeds) if spec.seeds is not None else spec.count
    return [
        _outside("seeds" if spec.seeds is not None else "count", count, card, card.parameters.get("count")),
        _outside("truncation", spec.truncation, card),
        _outside("digit", spec.digit, card, known),
    ]


def _outside(
    name: str, value: float | None, card: ModelCard, limits: Range | None = None
) -> FieldError | None:
    limits = limits or card.parameters.get(name)
    if value is None:
        return None
    if limits is None:
        return FieldError(f"/{name}", f"{name}: the model {card.name} does not take it", "unknown_parameter")
    if limits.minimum <= value <= limits.maximum:
        return None
    what = f"number of {name}" if name == "seeds" else name
    text = f"{what} must be between {limits.minimum:g} and {limits.maximum:g}; got {value:g}"
    return FieldError(f"/{name}", text, "out_of_range")
