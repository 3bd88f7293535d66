"""Checks a specification against its model's card: ranges, latent sizes, built-in styles."""

from collections.abc import Iterator, Sequence

from shared.cards.card import ModelCard, Range
from shared.errors import FieldError
from shared.specs.generate import GenerateSpec
from shared.specs.result_size import size_faults
from shared.specs.stylize import StylizeSpec, TransformSpec

_COUNTED = ("seeds", "latents", "interpolate")  # fields whose number of pictures is what counts


def range_faults(spec: GenerateSpec | StylizeSpec | TransformSpec, card: ModelCard) -> list[FieldError]:
    """Return a fault for every value that the card does not allow."""
    if isinstance(spec, GenerateSpec):
        return list(_generation(spec, card))
    return list(_stylization(spec, card)) if isinstance(spec, StylizeSpec) else []


def _generation(spec: GenerateSpec, card: ModelCard) -> Iterator[FieldError]:
    yield from _outside(_count_field(spec), spec.pictures, card, card.parameters.get("count"))
    if spec.truncation is not None and spec.draws_nothing:
        text = "truncation does not go with latents, which are taken as they are: scale their normals instead"
        yield FieldError("/truncation", text, "unknown_parameter")
    else:
        yield from _outside("truncation", spec.truncation, card, card.parameters.get("truncation"))
    classes = card.latent.classes if card.latent else 0
    known = Range(minimum=0, maximum=max(classes - 1, 0), default=0) if classes else None
    yield from _outside("digit", spec.digit, card, known)
    digits = None if spec.digits is None else max(int(digit) for digit in spec.digits)
    yield from _outside("digits", digits, card, known)
    yield from size_faults(spec, card)
    yield from _latent_sizes("/latents", spec.latents or [], card)
    if spec.interpolate is not None:
        yield from _latent_sizes("/interpolate/latents", spec.interpolate.latents or [], card)


def _count_field(spec: GenerateSpec) -> str:
    names = ("seeds", "latents", "interpolate")
    return next((name for name in names if getattr(spec, name) is not None), "count")


def _latent_sizes(pointer: str, latents: Sequence[Sequence[float]], card: ModelCard) -> Iterator[FieldError]:
    size = card.latent.size if card.latent else 0
    for index, latent in enumerate(latents):
        if len(latent) != size:
            text = (
                f"{_dotted(pointer)} must hold vectors of {size} numbers for {card.name}; got {len(latent)}"
            )
            yield FieldError(f"{pointer}/{index}", text, "invalid_length")


def _dotted(pointer: str) -> str:
    return pointer.strip("/").replace("/", ".")


def _stylization(spec: StylizeSpec, card: ModelCard) -> Iterator[FieldError]:
    yield from _outside("strength", spec.strength, card, card.parameters.get("strength"))
    if spec.optimize is not None and not card.optimizes:
        text = f"optimize cannot be given: the model {card.name} does not take it"
        yield FieldError("/optimize", text, "unknown_parameter")
    for index, style in enumerate(spec.styles):
        yield from _built_in(f"/styles/{index}", style.number, card)


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


def _outside(name: str, value: float | None, card: ModelCard, limits: Range | None) -> Iterator[FieldError]:
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
