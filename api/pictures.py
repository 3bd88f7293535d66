"""Pictures that come with a request: probed before any byte of them is stored."""

from collections.abc import Iterable
from dataclasses import dataclass

from api.form_parts import Part
from api.services import Services, image_limits
from shared.cards import ModelCard
from shared.errors import AtelierError, ImageTooLarge, ImageTooSmall
from shared.image_probe import ImageInfo, probe
from shared.specs import StylizeSpec, TransformSpec


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that passed the probe and is not stored yet."""

    file_id: str
    data: bytes
    info: ImageInfo


def probe_upload(services: Services, file_id: str, data: bytes, pointer: str) -> Upload:
    """Probe one picture against the settings' limits; raise the image error that names the pointer."""
    return Upload(file_id, data, probe(data, image_limits(services.settings.limits), field=pointer))


def probe_parts(services: Services, parts: Iterable[Part], faults: list[AtelierError]) -> list[Upload]:
    """Probe the pictures of a form; those that are refused add to its faults."""
    uploads = []
    for part in parts:
        try:
            uploads.append(probe_upload(services, part.file_id, part.data, part.pointer))
        except AtelierError as error:
            faults.append(error)
    return uploads


def check_content_size(spec: StylizeSpec | TransformSpec, card: ModelCard, size: tuple[int, int]) -> None:
    """Refuse a content picture that the model does not take at the size asked for: a worker would fail it."""
    largest = spec.size.max_side or max(size)
    scale = min(1.0, largest / max(size))
    width, height = (max(1, round(side * scale)) for side in size)
    shown = f"content is {width} x {height} pixels"
    if min(width, height) < card.min_side:
        detail = f"{shown}; {card.name} needs sides of at least {card.min_side}"
        raise ImageTooSmall.of_field("/content", detail)
    if _worked_side(spec, card, (width, height)) > card.max_side:
        way = "size.max_side or stroke" if isinstance(spec, StylizeSpec) else "size.max_side"
        detail = f"{shown}; {card.name} takes sides up to {card.max_side}: set {way}"
        raise ImageTooLarge.of_field("/content", detail)


def _worked_side(spec: StylizeSpec | TransformSpec, card: ModelCard, size: tuple[int, int]) -> int:
    """Return the longest side at which the network works: the stroke where it keeps sides legal."""
    longest, shortest = max(size), min(size)
    if isinstance(spec, TransformSpec) or spec.stroke is None:
        return longest
    least = -(-card.min_side * longest // shortest)
    return min(longest, max(spec.stroke, least))
