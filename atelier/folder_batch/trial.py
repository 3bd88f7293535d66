"""Tries a folder of photos out: what would be made of it, and what that would take. No job is asked for."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.files import Limits, id_of
from atelier.folder_batch.photo_check import CheckedPhoto, PhotoChecker
from atelier.folder_batch.scan import Photo, Unread
from atelier.folder_batch.uploads import Uploads
from shared.errors import AtelierError
from shared.images.limits import ImageLimits
from shared.images.probe import probe

MANY_FRAMES = 1_000_000  # of an animation: the service says whether it takes so many
REFUSED = 422


@dataclass
class Trial:
    """What a run would find."""

    items: list[dict[str, Any]] = field(default_factory=list)  # one for each picture that would be made
    photos: int = 0  # of which something would be made
    photo_bytes: int = 0
    kept: int = 0  # pictures that are there
    unread: list[str] = field(default_factory=list)  # photos that cannot be read or sent, and why


class TrialUploads(Uploads):
    """Uploads one photo of each format and size, which stands for the others: they cost as much."""

    def __init__(self, client: Client, limits: Limits | None) -> None:
        super().__init__(client)
        most = limits or ImageLimits()
        self._limits = ImageLimits(
            max_bytes=most.max_bytes,
            max_pixels=most.max_pixels,
            max_side=most.max_side,
            max_frames=MANY_FRAMES,
        )
        self._of_size: dict[tuple[object, ...], str] = {}
        self._alike: dict[str, str] = {}
        self._guard = threading.Lock()

    def ensure(self, data: bytes, *, recheck: bool = False) -> str:
        """Return the id of a photo; raise ApiError where it is none that the service takes."""
        name = id_of(data)
        try:
            info = probe(data, self._limits)
        except AtelierError as error:
            raise ApiError({"code": error.code, "detail": error.detail}, status=REFUSED) from error
        size = (info.format, info.width, info.height, info.frames)
        with self._guard:
            stand_in = self._alike[name] = self._of_size.setdefault(size, name)
        if stand_in == name:
            super().ensure(data, recheck=recheck)
        return name

    def stand_in(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return an item with the photo that stands for its own."""
        return {**body, "content": self._alike[body["content"]]}


def try_photos(checker: PhotoChecker, uploads: TrialUploads, found: Iterable[Photo | Unread]) -> Trial:
    """Return what a run would make of the photos."""
    trial, photos = Trial(), []
    for entry in found:
        if isinstance(entry, Photo):
            photos.append(entry)
        else:
            trial.unread.append(f"{entry.name}: {entry.reason}")
    for plan in checker.plans(photos):
        if isinstance(plan, Unread):
            trial.unread.append(f"{plan.name}: {plan.reason}")
        else:
            _note(trial, uploads, checker.check(plan, ()))
    trial.unread = list(dict.fromkeys(trial.unread))  # one photo may have several pictures
    return trial


def _note(trial: Trial, uploads: TrialUploads, checked: CheckedPhoto) -> None:
    name = checked.photo.name
    trial.kept += len(checked.kept)
    trial.unread += [f"{name}: {checked.unread}"] if checked.unread else []
    trial.unread += [f"{name}: {failure.reason}" for failure in checked.failed]
    if checked.new:
        trial.photos += 1
        trial.photo_bytes += checked.photo.stamp[0]
        trial.items += [uploads.stand_in(wanted.body) for wanted in checked.new]
