"""Checks one photo: which of its pictures are there, which must be made, and that the service has it."""

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atelier.client.errors import ApiError
from atelier.client.files import id_of
from atelier.folder_batch.output_names import BadPattern, Names, fault_of_place, say_fault
from atelier.folder_batch.scan import HEAD_BYTES, Photo, Unread, is_called_picture, why_not_an_image
from atelier.folder_batch.state_file import FolderState
from atelier.folder_batch.uploads import Uploads
from atelier.folder_batch.variations import PictureOptions, Variation, digest_of

REFUSALS = frozenset({400, 413, 415, 422})  # of one picture: the service may take others


@dataclass(frozen=True, slots=True)
class WantedPicture:
    """A picture that is wanted."""

    source: str  # photo
    target: str  # path below the output folder
    body: Mapping[str, Any]  # the item that asks for it
    digest: str  # of the body

    @property
    def key(self) -> tuple[str, str]:
        """Identifies the picture, as it is made of the photo as it is now."""
        return self.target, self.digest

    @property
    def facts(self) -> dict[str, str]:
        """What the state file says of it, however it ends."""
        return {"target": self.target, "source": self.source, "digest": self.digest}


@dataclass(frozen=True, slots=True)
class KnownFailure:
    """A picture that cannot be made, and why; `subject` is the style or mask at fault, if one is."""

    wanted: WantedPicture
    reason: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class PhotoPlan:
    """Where the pictures of a photo go, by variation. Made before the photo is read."""

    photo: Photo
    targets: tuple[tuple[Variation, str], ...]


@dataclass(frozen=True, slots=True)
class CheckedPhoto:
    """What the check of a photo found."""

    photo: Photo
    kept: list[WantedPicture] = field(default_factory=list)  # there, as they should be
    failed: list[KnownFailure] = field(default_factory=list)  # known to fail
    in_flight: list[WantedPicture] = field(default_factory=list)  # submitted already
    new: list[WantedPicture] = field(default_factory=list)
    unread: str = ""  # why the photo could not be read or sent
    not_an_image: str = ""  # why it is no photo at all


class PhotoChecker:
    """Checks photos. Its methods may run in several threads."""

    def __init__(
        self,
        picture_options: PictureOptions,
        names: Names,
        state: FolderState,
        *,
        folder: Path,
        uploads: Uploads,
        most: int,
    ) -> None:
        self._picture_options = picture_options
        self._names = names
        self._state = state
        self._folder = folder
        self._uploads = uploads
        self._most_bytes = most  # that the service takes in one file
        self.refused: dict[str, str] = {}  # styles and masks that the service cannot use, and why

    def plans(self, photos: Sequence[Photo]) -> Iterator[PhotoPlan | Unread]:
        """Give the pictures of photos their paths; where a file and a folder need one, the folder has it."""
        deepest_first = sorted(photos, key=lambda photo: -photo.name.count("/"))
        plans = {photo.name: self._plan(photo) for photo in deepest_first}
        return (plans[photo.name] for photo in photos)

    def _plan(self, photo: Photo) -> PhotoPlan | Unread:
        variations = self._picture_options.variations
        try:
            targets = tuple((entry, self._names.target(photo.name, entry)) for entry in variations)
        except (OSError, BadPattern) as error:
            return Unread(photo.name, say_fault(error) if isinstance(error, OSError) else str(error))
        return PhotoPlan(photo, targets)

    def check(self, plan: PhotoPlan, in_flight: Collection[tuple[str, str]]) -> CheckedPhoto:
        """Read a photo; where a picture of it must be made, upload it."""
        photo = plan.photo
        try:
            with photo.path.open("rb") as file:
                reason = why_not_an_image(file.read(HEAD_BYTES))
                if reason and not is_called_picture(photo.name):
                    return CheckedPhoto(photo, not_an_image=reason)
                size = os.fstat(file.fileno()).st_size
                reason = reason or too_large(size, self._most_bytes)
                if reason:
                    return CheckedPhoto(photo, unread=reason)
                file.seek(0)
                data = file.read(size)
        except OSError as error:
            return CheckedPhoto(photo, unread=say_fault(error))
        found = self._sorted(plan, id_of(data), in_flight)
        return self._sent(found, data) if found.new else found

    def _sent(self, found: CheckedPhoto, data: bytes) -> CheckedPhoto:
        try:
            self._uploads.ensure(data)
        except ApiError as error:
            if error.status not in REFUSALS:
                raise
            return CheckedPhoto(found.photo, unread="; ".join(e.detail for e in error.errors) or error.detail)
        return found

    def _sorted(self, plan: PhotoPlan, content: str, in_flight: Collection[tuple[str, str]]) -> CheckedPhoto:
        checked = CheckedPhoto(plan.photo)
        for variation, target in plan.targets:
            body = self._picture_options.body(variation, content, plan.photo.name)
            wanted = WantedPicture(plan.photo.name, target, body, digest_of(body))
            if self._is_there(wanted):
                checked.kept.append(wanted)
            elif wanted.key in in_flight:
                checked.in_flight.append(wanted)
            elif failure := self._known_to_fail(wanted):
                checked.failed.append(failure)
            else:
                checked.new.append(wanted)
        return checked

    def _known_to_fail(self, wanted: WantedPicture) -> KnownFailure | None:
        bad = self._state.failed.get(wanted.target)
        if bad is not None and bad.digest == wanted.digest:
            return KnownFailure(wanted, bad.reason, bad.subject)
        refused = next((name for name in subjects_of(wanted.body) if name in self.refused), "")
        if refused:
            return KnownFailure(wanted, self.refused[refused], refused)
        closed = fault_of_place(self._folder / wanted.target, self._folder)
        return KnownFailure(wanted, closed) if closed else None

    def _is_there(self, wanted: WantedPicture) -> bool:
        kept = self._state.saved.get(wanted.target)
        if kept is None or kept.digest != wanted.digest:
            return False
        return digest_of_file(self._folder / wanted.target) == kept.sha256


def too_large(size: int, most: int) -> str:
    """Return why a file is too large to be sent; "" where it is not."""
    return f"it has {size} bytes, and the service takes at most {most} in one file" if size > most else ""


def subjects_of(body: Mapping[str, Any]) -> list[str]:
    """Return the styles and the mask of an item, each as text."""
    return [
        json.dumps(entry, sort_keys=True) for entry in (*body.get("styles", ()), body.get("mask")) if entry
    ]


def digest_of_file(path: Path) -> str:
    """Return the sha256 of a file; "" where none can be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
