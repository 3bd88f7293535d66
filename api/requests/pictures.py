"""Pictures that come with a request: probed before any byte of them is stored."""

from collections.abc import Iterable
from dataclasses import dataclass

from api.requests.form_parts import Part
from api.services import Services
from shared.cards.card import ModelCard
from shared.errors import AtelierError
from shared.images.probe import ImageInfo, ImageLimits, check_frames, probe
from shared.specs.stylize import StylizeSpec, TransformSpec
from shared.specs.work_size import PictureSize
from shared.specs.working_size import working_size


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that passed the probe and is not stored yet."""

    file_id: str
    data: bytes
    info: ImageInfo


def probe_upload(services: Services, file_id: str, data: bytes, pointer: str) -> Upload:
    """Probe one picture against the settings' limits; raise the image error that names the pointer."""
    return Upload(file_id, data, probe(data, ImageLimits.of(services.settings.limits), field=pointer))


def probe_parts(services: Services, parts: Iterable[Part], faults: list[AtelierError]) -> list[Upload]:
    """Probe the pictures of a form; those that are refused add to its faults."""
    uploads = []
    for part in parts:
        try:
            uploads.append(probe_upload(services, part.file_id, part.data, part.pointer))
        except AtelierError as error:
            faults.append(error)
    return uploads


def check_content(
    services: Services, spec: StylizeSpec | TransformSpec, card: ModelCard, size: PictureSize
) -> None:
    """Raise ImageTooSmall, ImageTooLarge or TooManyFrames where a job cannot use content of this size."""
    working_size(spec, card, size[:2])
    if isinstance(spec, StylizeSpec) and spec.takes_frames:
        check_frames(size[:2], size.frames, ImageLimits.of(services.settings.limits), field="/content")
