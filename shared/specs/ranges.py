"""What a model's card and the service allow: ranges of numbers, and sizes of the pictures that come out."""

from collections.abc import Iterator

from shared.cards.card import ModelCard
from shared.cards.parts import Range
from shared.errors import FieldError

MAX_SIDE = 16_384  # pixels
MAX_PIXELS = 64_000_000  # of one picture, one sheet, or all frames of an animation
MAX_JOB_PIXELS = 256_000_000  # of all pictures of a job
_WEBP_MAX_SIDE = 16_383  # the format has no larger ones
_COUNTED = ("seeds", "latents", "interpolate")  # fields whose number of pictures is what counts


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


def too_large(field: str, what: str, size: tuple[int, int], image_format: str) -> Iterator[FieldError]:
    """Yield a fault of the field that makes a picture of `size`, width and height in pixels, too large."""
    side = _WEBP_MAX_SIDE if image_format == "webp" else MAX_SIDE
    if max(size) > side:
        text = f"{what} would be {size[0]} x {size[1]} pixels; a side may have at most {side}"
        yield FieldError(f"/{field}", f"{field} is too large: {text}", "out_of_range")
    else:
        yield from too_many(field, what, size[0] * size[1], MAX_PIXELS)


def too_many(field: str, what: str, pixels: int, limit: int) -> Iterator[FieldError]:
    """Yield a fault of the field that makes more pixels than the limit."""
    if pixels > limit:
        text = f"{field} is too large: {what} would have {pixels} pixels; at most {limit} are allowed"
        yield FieldError(f"/{field}", text, "out_of_range")
