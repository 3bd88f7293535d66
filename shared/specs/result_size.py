"""How large a generation job's pictures come out, so that too large ones are refused at submission."""

from collections.abc import Iterator

from shared.cards.card import ModelCard, Picture
from shared.errors import FieldError
from shared.specs.generate import GenerateSpec

MAX_SIDE = 16_384  # pixels
MAX_PIXELS = 64_000_000  # of one picture, one sheet, or all frames of an animation
MAX_JOB_PIXELS = 256_000_000  # of all pictures of a job
_WEBP_MAX_SIDE = 16_383  # the format has no larger ones


def count_of(spec: GenerateSpec, card: ModelCard) -> int:
    """Return how many pictures come out of the model, the card's default count filled in."""
    if spec.pictures is not None:
        return spec.pictures
    limits = card.parameters.get("count")
    return 1 if limits is None else int(limits.default)


def size_faults(spec: GenerateSpec, card: ModelCard) -> Iterator[FieldError]:
    """Yield a fault where a result would have too many pixels; it names the field that makes it large."""
    if card.picture is None:
        return
    count, size = count_of(spec, card), picture_size(spec, card.picture)
    if spec.grid is not None:
        yield from _too_large("grid", "the sheet", sheet_size(spec, count, size), spec)
        return
    yield from _too_large("upscale", "each picture", size, spec)
    if spec.animation is not None:
        yield from _too_many("animation", "all frames", count * size[0] * size[1], MAX_PIXELS)
    else:
        yield from _too_many("upscale", "all pictures", count * size[0] * size[1], MAX_JOB_PIXELS)


def picture_size(spec: GenerateSpec, picture: Picture) -> tuple[int, int]:
    """Return width and height of one picture: its digits side by side, enlarged."""
    across = len(spec.digits or "1")
    return picture.width * across * spec.upscale.factor, picture.height * spec.upscale.factor


def sheet_size(spec: GenerateSpec, count: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return width and height of a grid of `count` pictures of this size."""
    assert spec.grid is not None, "a spec with a grid"
    columns = min(spec.grid.columns, count)
    rows, gap = -(-count // columns), spec.grid.gap
    return columns * (size[0] + gap) - gap, rows * (size[1] + gap) - gap


def _too_large(field: str, what: str, size: tuple[int, int], spec: GenerateSpec) -> Iterator[FieldError]:
    side = _WEBP_MAX_SIDE if spec.output.format == "webp" else MAX_SIDE
    if max(size) > side:
        text = f"{what} would be {size[0]} x {size[1]} pixels; a side may have at most {side}"
        yield FieldError(f"/{field}", f"{field} is too large: {text}", "out_of_range")
    else:
        yield from _too_many(field, what, size[0] * size[1], MAX_PIXELS)


def _too_many(field: str, what: str, pixels: int, limit: int) -> Iterator[FieldError]:
    if pixels > limit:
        text = f"{field} is too large: {what} would have {pixels} pixels; at most {limit} are allowed"
        yield FieldError(f"/{field}", text, "out_of_range")
