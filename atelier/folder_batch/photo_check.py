"""Looks at one photo: what is there already, what must be made, and that the service has the photo."""

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atelier.client.errors import ApiError
from atelier.client.files import id_of
from atelier.folder_batch.output_check import fault_of_place, say_fault
from atelier.folder_batch.output_names import BadPattern, Names
from atelier.folder_batch.scan import HEAD_BYTES, Photo, Unread, is_called_picture, stranger
from atelier.folder_batch.state_file import Memory
from atelier.folder_batch.uploads import Uploads
from atelier.folder_batch.variations import Recipe, Variation, digest_of

REFUSALS = frozenset({400, 413, 415, 422})  # of a picture, where others may be welcome


@dataclass(frozen=True, slots=True)
class Want:
    """A picture that is wanted."""

    source: str  # photo
    target: str  # path below the output folder
    body: Mapping[str, Any]  # the item that asks for it
    digest: str  # of the body

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from other pictures, and from itself after the photo has changed."""
        return self.target, self.digest


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A picture that cannot be had, and why; `subject` is the style or mask that is at fault, if one is."""

    want: Want
    reason: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the pictures of a photo go, by variation. Made before the photo is read."""

    photo: Photo
    targets: tuple[tuple[Variation, str], ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found out about a photo."""

    photo: Photo
    kept: list[Want] = field(default_factory=list)  # there, as they should be
    spoiled: list[Spoilt] = field(default_factory=list)  # known to fail
    under_way: list[Want] = field(default_factory=list)  # asked for already
    new: list[Want] = field(default_factory=list)
    unread: str = ""  # why the photo could not be read or sent
    stranger: str = ""  # why it is no photo at all


class Looker:
    """Reads photos. Its methods may run in several threads."""

    def __init__(
        self, recipe: Recipe, names: Names, memory: Memory, *, folder: Path, uploads: Uploads, most: int
    ) -> None:
        self._recipe = recipe
        self._names = names
        self._memory = memory
        self._folder = folder
        self._uploads = uploads
        self._most_bytes = most  # that the service takes in one file
        self.refused: dict[str, str] = {}  # styles and masks that the service cannot use, and why

    def plans(self, photos: Sequence[Photo]) -> Iterator[Plan | Unread]:
        """Give the pictures of photos their places; where a file and a folder want one, the folder has it."""
        deepest_first = sorted(photos, key=lambda photo: -photo.name.count("/"))
        plans = {photo.name: self._plan(photo) for photo in deepest_first}
        return (plans[photo.name] for photo in photos)

    def _plan(self, photo: Photo) -> Plan | Unread:
        variations = self._recipe.variations
        try:
            targets = tuple((entry, self._names.target(photo.name, entry)) for entry in variations)
        except (OSError, BadPattern) as error:
            return Unread(photo.name, say_fault(error) if isinstance(error, OSError) else str(error))
        return Plan(photo, targets)

    def look(self, plan: Plan, under_way: Collection[tuple[str, str]]) -> Looked:
        """Read a photo; where a picture of it must be made, bring it to the service."""
        photo = plan.photo
        try:
            with photo.path.open("rb") as file:
                reason = stranger(file.read(HEAD_BYTES))
                if reason and not is_called_picture(photo.name):
                    return Looked(photo, stranger=reason)
                size = os.fstat(file.fileno()).st_size
                reason = reason or too_large(size, self._most_bytes)
                if reason:
                    return Looked(photo, unread=reason)
                file.seek(0)
                data = file.read(size)
        except OSError as error:
            return Looked(photo, unread=say_fault(error))
        found = self._sorted(plan, id_of(data), under_way)
        return self._sent(found, data) if found.new else found

    def _sent(self, found: Looked, data: bytes) -> Looked:
        try:
            self._uploads.ensure(data)
        except ApiError as error:
            if error.status not in REFUSALS:
                raise
            return Looked(found.photo, unread="; ".join(e.detail for e in error.errors) or error.detail)
        return found

    def _sorted(self, plan: Plan, content: str, under_way: Collection[tuple[str, str]]) -> Looked:
        looked = Looked(plan.photo)
        for variation, target in plan.targets:
            body = self._recipe.body(variation, content, plan.photo.name)
            want = Want(plan.photo.name, target, body, digest_of(body))
            if self._is_there(want):
                looked.kept.append(want)
            elif want.key in under_way:
                looked.under_way.append(want)
            elif spoilt := self._known_to_fail(want):
                looked.spoiled.append(spoilt)
            else:
                looked.new.append(want)
        return looked

    def _known_to_fail(self, want: Want) -> Spoilt | None:
        bad = self._memory.spoiled.get(want.target)
        if bad is not None and bad.digest == want.digest:
            return Spoilt(want, bad.reason, bad.subject)
        refused = next((name for name in subjects_of(want.body) if name in self.refused), "")
        if refused:
            return Spoilt(want, self.refused[refused], refused)
        closed = fault_of_place(self._folder / want.target, self._folder)
        return Spoilt(want, closed) if closed else None

    def _is_there(self, want: Want) -> bool:
        kept = self._memory.saved.get(want.target)
        if kept is None or kept.digest != want.digest:
            return False
        return digest_of_file(self._folder / want.target) == kept.sha256


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
