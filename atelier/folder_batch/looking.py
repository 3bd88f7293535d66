"""Looks at one photo: what is there already, what must be made, and that the service has the photo."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from atelier.client.errors import ApiError
from atelier.client.pictures import id_of
from atelier.folder_batch.journal import Memory
from atelier.folder_batch.names import Names
from atelier.folder_batch.recipe import Recipe, Variation, digest_of
from atelier.folder_batch.scan import HEAD_BYTES, Photo, is_called_picture, stranger
from atelier.folder_batch.uploads import Uploads

MOST_BYTES = 1 << 30  # no service takes more in one file
REFUSALS = frozenset({400, 413, 415, 422})  # of a picture, where others may be welcome


@dataclass(frozen=True, slots=True)
class Want:
    """A picture that is wanted."""

    source: str  # photo
    target: str  # path below the output folder
    body: Mapping[str, object]  # the item that asks for it
    digest: str  # of the body

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from other pictures, and from itself after the photo has changed."""
        return self.target, self.digest


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the pictures of a photo go, by variation. Made before the photo is read."""

    photo: Photo
    targets: tuple[tuple[Variation, str], ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found out about a photo."""

    photo: Photo
    kept: tuple[Want, ...] = ()  # there, as they should be
    spoiled: tuple[tuple[Want, str], ...] = ()  # known to fail, and why
    under_way: tuple[Want, ...] = ()  # asked for already
    new: tuple[Want, ...] = ()
    unread: str = ""  # why the photo could not be read or sent
    stranger: str = ""  # why it is no photo at all


class Looker:
    """Reads photos. Its methods may run in several threads."""

    def __init__(
        self, recipe: Recipe, names: Names, memory: Memory, *, folder: Path, uploads: Uploads
    ) -> None:
        self._recipe = recipe
        self._names = names
        self._memory = memory
        self._folder = folder
        self._uploads = uploads

    def plan(self, photo: Photo) -> Plan:
        """Give a photo's pictures their places."""
        variations = self._recipe.variations
        return Plan(photo, tuple((entry, self._names.target(photo.name, entry)) for entry in variations))

    def look(self, plan: Plan, under_way: Collection[tuple[str, str]]) -> Looked:
        """Read a photo; where a picture of it must be made, bring it to the service."""
        photo = plan.photo
        try:
            reason = _unfit(photo.path)
            if reason:
                unread = is_called_picture(photo.name)
                return Looked(photo, unread=reason) if unread else Looked(photo, stranger=reason)
            data = photo.path.read_bytes()
        except OSError as error:
            return Looked(photo, unread=error.strerror or "it cannot be read")
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
        kept, spoiled, pending, new = [], [], [], []
        for variation, target in plan.targets:
            body = self._recipe.body(variation, content, plan.photo.name)
            want = Want(plan.photo.name, target, body, digest_of(body))
            bad = self._memory.spoiled.get(target)
            if self._is_there(want):
                kept.append(want)
            elif want.key in under_way:
                pending.append(want)
            elif bad is not None and bad.digest == want.digest:
                spoiled.append((want, bad.reason))
            else:
                new.append(want)
        return Looked(plan.photo, tuple(kept), tuple(spoiled), tuple(pending), tuple(new))

    def _is_there(self, want: Want) -> bool:
        kept = self._memory.saved.get(want.target)
        if kept is None or kept.digest != want.digest:
            return False
        return digest_of_file(self._folder / want.target) == kept.sha256


def _unfit(path: Path) -> str | None:
    """Return why a file is none to read; None where it is."""
    if path.stat().st_size > MOST_BYTES:
        return "it has more than a gibibyte"
    with path.open("rb") as file:
        return stranger(file.read(HEAD_BYTES))


def digest_of_file(path: Path) -> str:
    """Return the sha256 of a file; "" where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return ""
