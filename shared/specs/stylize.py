"""What a stylization job may ask for."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.cards.card import ModelCard
from shared.errors import FieldError, StyleNotFound
from shared.specs.base import ENLARGED, WRITTEN, DrawSeed, default_of, outside, random_seed
from shared.specs.parts import (
    EXACT,
    FAST,
    Optimization,
    PictureName,
    PictureSize,
    Precision,
    Size,
    WeightedStyle,
)
from shared.specs.working_size import ContentSpec, fit, result_size, working_size

NATIVE: Literal["native"] = "native"  # the stroke of what is painted at its own size
UPSAMPLE = "/upsample"  # the pointer of the field
UPSAMPLER = "enlarge-x4"  # the model of `upsample: network`
_LEAST, _MOST = 64, 4096  # pixels
_SIDE: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=_LEAST, le=_MOST, strict=True)])
_CHOICES: list[dict[str, Any]] = [{"type": "integer", "minimum": _LEAST, "maximum": _MOST}, {"const": NATIVE}]


def _read_stroke(value: Any) -> Any:
    if value == NATIVE:
        return value
    if isinstance(value, str):
        text = f'Input should be a number of pixels from {_LEAST} to {_MOST}, or "{NATIVE}"'
        raise PydanticCustomError("literal_error", text)
    return _SIDE.validate_python(value)


Stroke = Annotated[int | Literal["native"], PlainValidator(_read_stroke), WithJsonSchema({"anyOf": _CHOICES})]


class StylizeSpec(ContentSpec):
    """The content picture, painted in the manner of the styles. Animated content gives an animation."""

    type: Literal["stylize"]
    content: PictureName
    styles: list[WeightedStyle] = Field(min_length=1, max_length=8)
    strength: float | None = Field(
        default=None, description="How much of the style is used: 0 gives back the content, 1 the full style."
    )
    size: Size = Size()
    preserve_color: bool = Field(
        default=False, description="Whether the picture keeps the colors of the content."
    )
    stroke: Stroke | None = Field(
        default=None,
        description="Longest side in pixels at which the network works: the smaller, the bolder the strokes. "
        "\"native\" works at the content's own size; null takes what the model's card says.",
    )
    upsample: Literal["guided", "network"] | None = Field(
        default=None,
        exclude_if=lambda way: way is None,  # older versions read such records too
        description="How a painting that is smaller than the result is brought to its size: smoothly, with "
        "the fine detail of the content (guided, which null means too), or by the model `enlarge-x4`, which "
        "makes strokes sharp and takes longer (network).",
    )
    mask: PictureName | None = Field(
        default=None, description="The picture in which white is painted and black stays as it is."
    )
    steadiness: float = Field(
        default=0.5, ge=0, le=1, description="How much each frame of an animation keeps of the last one."
    )
    precision: Precision | None = Field(
        default=None,
        exclude_if=lambda precision: precision is None,  # older versions read such records too
        description="`fast` computes with bfloat16 numbers where the worker's processor and kernels have "
        "them: no pixel differs by more than 8 of 255, and all by less than 0.5 in the mean. Elsewhere the "
        "result is `exact`, and says so in `model.precision`. Null takes what the operator has set, which is "
        "`exact` by default.",
    )
    optimize: Optimization | None = Field(
        default=None,
        description="How a model that paints by optimization works; other models do not take it.",
    )

    @property
    def says_precision(self) -> bool:
        """Whether the job says with which precision its network computes."""
        return self.precision is not None

    def with_precision(self, card: ModelCard, default: Precision) -> Self:
        """Return the specification with an installation's default, where the model has the choice.

        What is exact by default is left unsaid: all versions read such records.
        """
        chosen = self.precision or default
        is_said = card.fast and FAST in (chosen, default)
        return self.model_copy(update={"precision": chosen if is_said else None})

    def made_with(self, precision: Precision) -> Self:
        """Return the resolved specification with the precision that its result has."""
        return self.model_copy(update={"precision": None if precision == EXACT else precision})

    @property
    def takes_frames(self) -> bool:
        """Whether every frame of animated content is painted, and not the first one alone."""
        return self.output.format in ("gif", "webp")

    @property
    def sizing(self) -> tuple[object, ...]:
        """What decides, with the card and the content's size, whether the content can be used."""
        return (*super().sizing, self.stroke)

    @property
    def size_fields(self) -> str:
        """The fields that make the network's picture smaller, as a sentence names them."""
        return "size.max_side or stroke"

    def network_size(self, card: ModelCard, result: tuple[int, int]) -> tuple[int, int]:
        """Return the size at which the network paints, unchecked: by the stroke, and legal for the card."""
        stroke = self._stroke(card)
        if stroke == NATIVE:
            return result
        least = -(-card.min_side * max(result) // min(result))  # keeps the shorter side legal
        return fit(*result, max(stroke, least))

    def _stroke(self, card: ModelCard) -> Stroke:
        """Return the longest side at which the job is painted: its stroke, else that of its card."""
        return self.stroke or card.stroke or NATIVE

    def range_faults(self, card: ModelCard) -> Iterator[FieldError]:
        """Yield a fault for every value that the card does not allow."""
        yield from outside("strength", self.strength, card, card.parameters.get("strength"))
        if self.optimize is not None and not card.optimizes:
            text = f"optimize cannot be given: the model {card.name} does not take it"
            yield FieldError("/optimize", text, "unknown_parameter")
        if self.precision == FAST and not card.fast:
            text = f"precision must be exact: the model {card.name} does not take {FAST}"
            yield FieldError("/precision", text, "out_of_range")
        for index, style in enumerate(self.styles):
            yield from _built_in(f"/styles/{index}", style.number, card)

    def filled(
        self, card: ModelCard, draw_seed: DrawSeed = random_seed, also: Mapping[str, object] | None = None
    ) -> Self:
        """Return an allowed specification with model, defaults and what is in `also` filled in."""
        strength = default_of(self.strength, card, "strength")
        update = {**(also or {}), "model": card.reference, "strength": strength, "stroke": self._stroke(card)}
        if self.upsample == "guided":
            update["upsample"] = None  # the same, said: equal results have equal specifications
        if card.optimizes:
            update["optimize"] = self.optimize or Optimization()
        return self.model_copy(update=update)

    def file_fields(self) -> Iterator[tuple[str, str]]:
        """Yield the pointer and the id of every file that the job reads."""
        yield "/content", self.content
        yield from ((f"/styles/{i}/image", style.image) for i, style in enumerate(self.styles) if style.image)
        yield from [("/mask", self.mask)] if self.mask else []

    @property
    def further_models(self) -> dict[str, str]:
        """Names of the models that a job needs beside its own, by the pointer of the field that asks."""
        upsampler = {UPSAMPLE: UPSAMPLER} if self.upsample == "network" else {}
        return {**upsampler, **super().further_models}

    @property
    def named_styles(self) -> frozenset[str]:
        """Names of stored styles whose pictures are not filled in."""
        return frozenset(style.name for style in self.styles if style.name and style.image is None)

    def with_style_files(self, files: Mapping[str, str | None]) -> tuple[Self, list[FieldError]]:
        """Return the specification with the pictures of named styles, and a fault for each unknown name."""
        styles, faults = [], []
        for index, style in enumerate(self.styles):
            if style.name is None or style.image is not None:
                styles.append(style)
                continue
            file = files.get(style.name)
            if file is None:
                text = f"there is no style {style.name}"
                faults.append(FieldError(f"/styles/{index}/name", text, StyleNotFound.code))
            styles.append(style.model_copy(update={"image": file}))
        return self.model_copy(update={"styles": styles}), faults

    def work_units(self, card: ModelCard, content: PictureSize | None) -> float:
        """Return how much work a resolved job is, in pixels that the network makes; 0.0 where not known."""
        if content is None:
            return 0.0
        width, height = result_size(self, content[:2])
        written = WRITTEN * width * height
        frames = content.frames if self.takes_frames else 1
        return frames * (self._painted(card, content) + written)

    def made(self, card: ModelCard, content: PictureSize | None) -> tuple[int, int]:
        """Return how many files a resolved job makes, and their pixels together, 0 where not known."""
        if content is None:
            return 1, 0
        width, height = result_size(self, content[:2])
        return 1, width * height * (content.frames if self.takes_frames else 1)

    def picture_size(self, card: ModelCard, content: PictureSize | None) -> PictureSize | None:
        """Return the size of the picture that a resolved job makes; None where not known."""
        if content is None:
            return None
        return PictureSize(*result_size(self, content[:2]), content.frames if self.takes_frames else 1)

    def _painted(self, card: ModelCard, content: PictureSize) -> float:
        """Return the pixels of one frame that the network paints, with every step, or what costs as much."""
        if self.strength == 0:
            return 0.0
        width, height = working_size(self, card, content[:2])
        is_upsampled = self.upsample == "network" and (width, height) != result_size(self, content[:2])
        times = self.optimize.steps if self.optimize is not None else 1
        return width * height * (times + (ENLARGED if is_upsampled else 0))


def _built_in(pointer: str, number: int | None, card: ModelCard) -> Iterator[FieldError]:
    count = len(card.builtin_styles)
    if number is None and count:
        text = f"{card.name} has {count} built-in styles and takes no images: give a number, 0 to {count - 1}"
        yield FieldError(pointer, text, "unknown_parameter")
    elif number is not None and not count:
        text = f"{card.name} has no built-in styles: give an image or the name of a stored style"
        yield FieldError(f"{pointer}/number", text, "unknown_parameter")
    elif number is not None and number >= count:
        text = f"number must be between 0 and {count - 1}; got {number}"
        yield FieldError(f"{pointer}/number", text, "out_of_range")
