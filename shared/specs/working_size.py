"""At which size a network works on a content picture: one answer for the API, workers and estimates."""

from shared.cards.card import ModelCard
from shared.errors import ImageTooLarge, ImageTooSmall
from shared.specs.stylize import NATIVE, Stroke, StylizeSpec, TransformSpec

Size = tuple[int, int]  # width and height, pixels


def fit(width: int, height: int, max_side: int) -> Size:
    """Return the size that keeps the shape and has no side above `max_side`; it never grows."""
    longest = max(width, height)
    if longest <= max_side:
        return width, height
    return max(1, round(width * max_side / longest)), max(1, round(height * max_side / longest))


def stroke_of(spec: StylizeSpec, card: ModelCard) -> Stroke:
    """Return the longest side at which a job is painted: what it says, else what its model's card says."""
    return spec.stroke or card.stroke or NATIVE


def result_size(spec: StylizeSpec | TransformSpec, content: Size) -> Size:
    """Return the size to which the content is brought: of a stylization it is the size of the result."""
    return content if spec.size.max_side is None else fit(*content, spec.size.max_side)


def working_size(spec: StylizeSpec | TransformSpec, card: ModelCard, content: Size) -> Size:
    """Return the size of what the network gets; `content` is the picture's own size.

    Raises ImageTooSmall or ImageTooLarge, naming the content, where the model does not take it.
    """
    width, height = result_size(spec, content)
    shown = f"content is {width} x {height} pixels"
    if min(width, height) < card.min_side:
        detail = f"{shown}; {card.name} needs sides of at least {card.min_side}"
        raise ImageTooSmall.of_field("/content", detail)
    worked = _painted(spec, card, (width, height)) if isinstance(spec, StylizeSpec) else (width, height)
    if max(worked) > card.max_side:
        way = "size.max_side or stroke" if isinstance(spec, StylizeSpec) else "size.max_side"
        detail = f"{shown}; {card.name} takes sides up to {card.max_side}: set {way}"
        raise ImageTooLarge.of_field("/content", detail)
    return worked


def _painted(spec: StylizeSpec, card: ModelCard, size: Size) -> Size:
    stroke = stroke_of(spec, card)
    if stroke == NATIVE:
        return size
    least = -(-card.min_side * max(size) // min(size))  # keeps the shorter side legal
    return fit(*size, max(stroke, least))
