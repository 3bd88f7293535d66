"""What a generation job may ask for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from shared.cards.card import ModelCard
from shared.cards.parts import Picture, Range
from shared.errors import FieldError
from shared.specs.base import (
    MAX_JOB_PIXELS,
    MAX_PIXELS,
    WRITTEN,
    DrawSeed,
    JobSpec,
    default_of,
    outside,
    random_seed,
    too_large,
    too_many,
)
from shared.specs.parts import (
    MAX_OUTPUT_COUNT,
    MAX_SEED,
    Animation,
    Grid,
    Interpolation,
    LatentVector,
    PictureSize,
    Seed,
    Upscale,
)

DIGITS = r"^[0-9]{1,64}$"
MOST_LIGHT_PICTURES = 1  # an item that makes no more than this may be claimed together with others


class GenerateSpec(JobSpec):
    """Pictures from a generator: from `seeds`, `count` seeds from `seed`, `latents`, or `interpolate`."""

    type: Literal["generate"]
    seed: Seed | None = Field(
        default=None, description="The first seed. Without it, the service draws one when it accepts the job."
    )
    count: int | None = Field(default=None, ge=1, le=MAX_OUTPUT_COUNT, strict=True)
    seeds: list[Seed] | None = Field(default=None, min_length=1, max_length=MAX_OUTPUT_COUNT)
    latents: list[LatentVector] | None = Field(default=None, min_length=1, max_length=MAX_OUTPUT_COUNT)
    interpolate: Interpolation | None = None
    digit: int | None = Field(
        default=None,
        ge=0,
        le=MAX_SEED,
        strict=True,
        description="The class, which is the digit; null draws it from the seed.",
    )
    digits: str | None = Field(
        default=None,
        pattern=DIGITS,
        description="Digits to write out: each seed gives one picture of all of them, in one hand.",
    )
    truncation: float | None = Field(
        default=None,
        gt=0,
        description="The scale of the random numbers drawn from seeds; below 1 there is less variety.",
    )
    grid: Grid | None = None
    animation: Animation | None = None
    upscale: Upscale = Upscale()

    @model_validator(mode="after")
    def _one_way_to_name_latents(self) -> "GenerateSpec":
        if self.seeds is not None and (self.seed is not None or self.count is not None):
            raise ValueError("give either `seeds`, or `seed` and `count`")
        by_seed = any(value is not None for value in (self.seed, self.count, self.seeds))
        if by_seed + (self.latents is not None) + (self.interpolate is not None) > 1:
            raise ValueError("give only one of `seeds`, `latents` and `interpolate`")
        if self.seed is not None and self.seed + (self.count or 1) - 1 > MAX_SEED:
            raise ValueError(f"seed and count are too large: the last seed would be above {MAX_SEED}")
        return self

    @model_validator(mode="after")
    def _classes_are_named_once(self) -> "GenerateSpec":
        if (self.digit is not None) + (self.digits is not None) + self.draws_nothing > 1:
            raise ValueError(
                "give only one of `digit`, `digits` and `latents`: each of them says which digit is made"
            )
        return self

    @model_validator(mode="after")
    def _one_way_to_lay_out(self) -> "GenerateSpec":
        if self.grid is not None and self.animation is not None:
            raise ValueError("give either `grid` or `animation`, not both")
        if self.animation is not None and self.output.format not in ("gif", "webp"):
            raise ValueError("an animation needs the `output.format` gif or webp")
        if self.animation is None and self.output.format == "gif":
            raise ValueError("the `output.format` gif is for animations: give `animation` too")
        return self

    @property
    def draws_seeds(self) -> bool:
        """Whether seeds are drawn for the job when it is accepted, so that it has no equals."""
        return all(way is None for way in (self.seed, self.seeds, self.latents, self.interpolate))

    @property
    def draws_nothing(self) -> bool:
        """Whether the client gives every latent itself, so that nothing comes from seeds."""
        walk = self.interpolate
        return self.latents is not None or (walk is not None and walk.latents is not None)

    @property
    def pictures(self) -> int | None:
        """How many pictures come out of the model; None while the default count is not filled in."""
        if self.interpolate is not None:
            return self.interpolate.frames
        named = self.seeds if self.seeds is not None else self.latents
        return self.count if named is None else len(named)

    def range_faults(self, card: ModelCard) -> Iterator[FieldError]:
        """Yield a fault for every value that the card does not allow."""
        yield from outside(self._count_field(), self.pictures, card, card.parameters.get("count"))
        if self.truncation is not None and self.draws_nothing:
            text = (
                "truncation does not go with latents, which are taken as they are: "
                "scale their normals instead"
            )
            yield FieldError("/truncation", text, "unknown_parameter")
        else:
            yield from outside("truncation", self.truncation, card, card.parameters.get("truncation"))
        classes = card.latent.classes if card.latent else 0
        known = Range(minimum=0, maximum=classes - 1, default=0) if classes else None
        yield from outside("digit", self.digit, card, known)
        digits = None if self.digits is None else max(int(digit) for digit in self.digits)
        yield from outside("digits", digits, card, known)
        yield from self._size_faults(card)
        yield from self._carried_faults()
        yield from _latent_faults("/latents", self.latents or [], card)
        if self.interpolate is not None:
            yield from _latent_faults("/interpolate/latents", self.interpolate.latents or [], card)

    def _carried_faults(self) -> Iterator[FieldError]:
        """Yield a fault for what a result can only take over from content."""
        for name, usual in (("profile", "srgb"), ("metadata", "none")):
            if getattr(self.output, name) != usual:
                text = f"must be {usual}: all else comes from content, of which there is none"
                yield FieldError(f"/output/{name}", f"output.{name} {text}", "unknown_parameter")

    def _count_field(self) -> str:
        names = ("seeds", "latents", "interpolate")
        return next((name for name in names if getattr(self, name) is not None), "count")

    def _size_faults(self, card: ModelCard) -> Iterator[FieldError]:
        """Yield a fault where a result would have too many pixels; it names the field that makes it large."""
        if card.picture is None:
            return
        count, size, factor = self._count(card), self._picture_size(card.picture), self.output.factor
        width, height = (side * factor for side in size)
        enlarged = "output.enlarge" if self.output.enlarge else None
        if self.grid is not None:
            across, down = self.grid.size(count, size)
            sheet = across * factor, down * factor
            yield from too_large(enlarged or "grid", "the sheet", sheet, self.output.format)
            return
        yield from too_large(enlarged or "upscale", "each picture", (width, height), self.output.format)
        field, what, most = "upscale", "all pictures", MAX_JOB_PIXELS
        if self.animation is not None:
            field, what, most = "animation", "all frames", MAX_PIXELS
        yield from too_many(enlarged or field, what, count * width * height, most)

    def _count(self, card: ModelCard) -> int:
        """Return how many pictures come out of the model, the card's default count filled in."""
        default = default_of(None, card, "count")
        return self.pictures if self.pictures is not None else 1 if default is None else int(default)

    def _picture_size(self, picture: Picture) -> tuple[int, int]:
        """Return width and height of one picture: its digits side by side, enlarged."""
        across = len(self.digits or "1")
        return picture.width * across * self.upscale.factor, picture.height * self.upscale.factor

    def filled(
        self, card: ModelCard, draw_seed: DrawSeed = random_seed, also: Mapping[str, object] | None = None
    ) -> Self:
        """Return an allowed specification with model, defaults, seeds and what is in `also` filled in."""
        update: dict[str, object] = {**(also or {}), "model": card.reference}
        if not self.draws_nothing:
            update["truncation"] = default_of(self.truncation, card, "truncation")
        if self.latents is None and self.interpolate is None:
            update |= {"seeds": self.seeds or self._seeds(card, draw_seed), "seed": None, "count": None}
        return self.model_copy(update=update)

    def _seeds(self, card: ModelCard, draw_seed: DrawSeed) -> list[int]:
        count = self._count(card)
        first = self.seed if self.seed is not None else draw_seed(count)
        return list(range(first, first + count))

    def work_units(self, card: ModelCard, content: PictureSize | None) -> float:
        """Return how much work a resolved job is, in pixels that the network makes."""
        if card.picture is None:
            return float(self._count(card))
        width, height = self._picture_size(card.picture)
        written = width * height
        return self._count(card) * (written / self.upscale.factor**2 + WRITTEN * written)

    def made(self, card: ModelCard, content: PictureSize | None) -> tuple[int, int]:
        """Return how many files a resolved job makes, and their pixels together, 0 where not known."""
        count = self._count(card)
        width, height = self._picture_size(card.picture) if card.picture else (0, 0)
        if self.grid is not None:
            width, height = self.grid.size(count, (width, height))
            return 1, width * height
        return (1 if self.animation is not None else count), count * width * height

    def of_picture(self, index: int, seed: int | None) -> Self:
        """Return the resolved specification that makes this one of the job's pictures alone.

        A step between two points of a walk, a sheet and an animation have that of the whole job.
        """
        alone = None if self.grid is not None or self.animation is not None else self._point(index, seed)
        return self if alone is None else self.model_copy(update={"interpolate": None, **alone})

    def _point(self, index: int, seed: int | None) -> dict[str, object] | None:
        """Return the fields that say which latent a picture comes from alone; None for a step of a walk."""
        if seed is not None:
            return {"seeds": [seed]}
        way, latents = self.interpolate, self.latents
        if way is not None:
            point, step = divmod(index, way.steps - 1)
            latents, index = (None if step else way.latents), point
        return None if latents is None else {"latents": [latents[index]]}

    def picture_size(self, card: ModelCard, content: PictureSize | None) -> PictureSize | None:
        """Return the size of each picture that a resolved job makes; None where not known."""
        if card.picture is None:
            return None
        count, size = self._count(card), self._picture_size(card.picture)
        if self.grid is not None:
            return PictureSize(*self.grid.size(count, size))
        return PictureSize(*size, count if self.animation is not None else 1)

    @property
    def is_light(self) -> bool:
        """Whether one call of the network can do several such jobs of a batch."""
        return len(self.seeds or ()) <= MOST_LIGHT_PICTURES and not self.interpolate


def _latent_faults(pointer: str, latents: Sequence[Sequence[float]], card: ModelCard) -> Iterator[FieldError]:
    size = card.latent.size if card.latent else 0
    field = pointer.strip("/").replace("/", ".")
    for index, latent in enumerate(latents):
        if len(latent) != size:
            text = f"{field} must hold vectors of {size} numbers for {card.name}; got {len(latent)}"
            yield FieldError(f"{pointer}/{index}", text, "invalid_length")
