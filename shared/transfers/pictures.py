"""A picture of a source: checked as an upload is, stored, and made into items; or why it is of no use."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.batches.batch import ItemDraft
from shared.batches.template import MAX_ID
from shared.cards.card import Catalog, ModelCard
from shared.errors import AtelierError, BodyTooLarge, FileNotFound, UnsupportedImage
from shared.files.file_store import FileStore
from shared.identifiers import file_id, sha256
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.submission import to_text
from shared.places.names import stem_of
from shared.places.objects import NameRefused, PlaceObjects
from shared.places.request import Source
from shared.setting_groups import MEBIBYTE, Limits
from shared.specs.parts import PictureSize
from shared.specs.results import Results
from shared.specs.spec import JOB_SPEC, card_of, work_of
from shared.specs.working_size import ContentSpec, check_content
from shared.transfers.errors import PlaceUnavailable, at_place

MOST_LABEL = 24  # characters of a name within a custom id


@dataclass(frozen=True, slots=True)
class Template:
    """What is made of each picture: a resolved job without its content."""

    label: str  # of its values, for custom ids; "" where there is one template alone
    style: str
    spec: ContentSpec
    card: ModelCard

    @classmethod
    def of(cls, raw: Mapping[str, Any], catalog: Catalog) -> "Template":
        """Read a template as a batch keeps it; raise UnknownModel where its model has no card any more."""
        spec = JOB_SPEC.validate_python(raw["spec"])
        assert isinstance(spec, ContentSpec), "the API takes no other for a source"
        return cls(raw["label"], raw["style"], spec, card_of(spec, catalog))

    @property
    def pictures(self) -> int:
        """How many files it makes of a picture."""
        return Results.of(self.spec, self.card, None).pictures


@dataclass(frozen=True, slots=True)
class Taken:
    """A picture that was stored, or why it was not: an `error` that stays, or one that may pass."""

    name: str  # below the source's prefix
    file: str = ""
    size: PictureSize | None = None
    error: AtelierError | None = None
    held: AtelierError | None = None

    def refused(self) -> "Taken":
        """Return it as one that the place does not give; what else holds it back may still pass."""
        if not isinstance(self.held, PlaceUnavailable):
            return self
        text = f"{self.held.detail} when asked for it, and gives others"
        return Taken(self.name, error=PlaceUnavailable(text, inside=self.held.inside))


@dataclass(frozen=True, slots=True)
class Pictures:
    """Reads and stores the pictures of one source."""

    files: FileStore
    limits: Limits
    objects: PlaceObjects
    source: Source
    owner: str

    def take(self, line: str) -> Taken:
        """Store a picture, given by its size in bytes and its name."""
        size, _, name = line.partition(" ")
        try:
            data = self._data(name, int(size))
            info = probe(data, ImageLimits.of(self.limits), field="/content")
        except AtelierError as error:
            return Taken(name, held=error) if error.retryable else Taken(name, error=error)
        try:
            stored, _ = self.files.add(self.owner, data, info, with_form=True)
        except AtelierError as error:  # the picture is not to blame
            return Taken(name, held=error)
        return Taken(name, stored.id, PictureSize(info.width, info.height, info.frames))

    def is_readable(self, line: str) -> bool:
        """Whether the place gives a picture now."""
        try:
            self.objects.read(self.source.prefix + line.partition(" ")[2], 1)
        except (AtelierError, ValueError):
            return False
        return True

    def _data(self, name: str, size: int) -> bytes:
        most = self.limits.max_body_bytes
        if not size:
            raise UnsupportedImage("it has no bytes")
        if size > most:
            raise _too_large(size, most)
        try:
            with at_place(self.source.place):
                data = self.objects.read(self.source.prefix + name, most + 1)
        except (AtelierError, ValueError) as error:
            if isinstance(error, AtelierError) and not _is_gone(error):
                raise
            raise FileNotFound("it is not there any more") from error
        if len(data) > most:  # it has grown since it was listed
            raise _too_large(len(data), most)
        return data


def _is_gone(error: AtelierError) -> bool:
    return error.code == "object_not_found" or isinstance(error, NameRefused)


def _too_large(size: int, most: int) -> BodyTooLarge:
    return BodyTooLarge(f"it has {size / MEBIBYTE:.1f} MiB; a picture may have {most // MEBIBYTE} MiB")


def drafts_of(
    taken: Iterable[Taken], templates: Sequence[Template], *, first: int, limits: Limits
) -> Iterator[ItemDraft]:
    """Yield the items of pictures; the first has the index `first`."""
    index = first
    for picture in taken:
        for template in templates:
            yield _draft(picture, template, index, limits)
            index += 1


def _draft(picture: Taken, template: Template, index: int, limits: Limits) -> ItemDraft:
    custom_id = custom_id_of(index, picture.name, template.label)
    named: dict[str, Any] = {"source": picture.name, "style_label": template.style}
    if picture.error is not None or picture.size is None:
        error = picture.error or UnsupportedImage()
        spec = template.spec.model_copy(update={"content": _no_file(picture.name)})
        return ItemDraft(custom_id, spec, refused=_told(picture.name, error), **named)
    spec = template.spec.model_copy(update={"content": picture.file})
    try:
        check_content(spec, template.card, picture.size, ImageLimits.of(limits))
    except AtelierError as error:
        return ItemDraft(custom_id, spec, refused=_told(picture.name, error), **named)
    work = work_of(spec, template.card, picture.size)
    return ItemDraft(custom_id, spec, work, Results.of(spec, template.card, picture.size), **named)


def custom_id_of(index: int, name: str, label: str) -> str:
    """Return the custom id of an item: its index, which makes it unique, its picture's name, its values."""
    stem = re.sub(r"[\x00-\x1f\x7f/]", "_", stem_of(name))[:MOST_LABEL]
    return "-".join(filter(None, (f"{index:05d}", stem, label)))[:MAX_ID]


def _no_file(name: str) -> str:
    """Return the id of a file that there is not: of an item that fails before anybody looks for it."""
    return file_id(sha256(f"refused: {name}".encode()))


def _told(name: str, error: AtelierError) -> str:
    return to_text({**error.to_json(), "detail": f"{name}: {error.detail}"})
