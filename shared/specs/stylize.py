"""What a stylization job may ask for, and one of any other network from picture to picture."""

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.specs.parts import Common, FileId, Optimization, Size, WeightedStyle

NATIVE: Literal["native"] = "native"  # the stroke of what is painted at its own size
_LEAST, _MOST = 64, 4096  # pixels
_SIDE: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=_LEAST, le=_MOST)])
_CHOICES: list[dict[str, Any]] = [{"type": "integer", "minimum": _LEAST, "maximum": _MOST}, {"const": NATIVE}]


def _read_stroke(value: Any) -> Any:
    if value == NATIVE:
        return value
    if isinstance(value, str) and not value.strip().lstrip("-").isdecimal():
        text = f'Input should be a number of pixels from {_LEAST} to {_MOST}, or "{NATIVE}"'
        raise PydanticCustomError("literal_error", text)
    return _SIDE.validate_python(value)


Stroke = Annotated[int | Literal["native"], PlainValidator(_read_stroke), WithJsonSchema({"anyOf": _CHOICES})]


class StylizeSpec(Common):
    """The content picture, painted in the manner of the styles. Animated content gives an animation."""

    type: Literal["stylize"]
    content: FileId
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
    mask: FileId | None = Field(
        default=None, description="The id of a picture in which white is painted and black stays as it is."
    )
    steadiness: float = Field(
        default=0.5, ge=0, le=1, description="How much each frame of an animation keeps of the last one."
    )
    optimize: Optimization | None = Field(
        default=None,
        description="How a model that paints by optimization works; other models do not take it.",
    )

    @property
    def takes_frames(self) -> bool:
        """Whether every frame of animated content is painted, and not the first one alone."""
        return self.output.format in ("gif", "webp")

    @property
    def inputs(self) -> list[str]:
        """Ids of all files that the job reads."""
        images = [style.image for style in self.styles if style.image is not None]
        return [self.content, *images, *([self.mask] if self.mask is not None else [])]


class TransformSpec(Common):
    """The content picture, through a network from picture to picture."""

    type: Literal["transform"]
    content: FileId
    size: Size = Size()

    @property
    def inputs(self) -> list[str]:
        """Ids of all files that the job reads."""
        return [self.content]
