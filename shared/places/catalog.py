"""The places of an installation: which of them an owner may use, and their objects."""

import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shared.errors import AtelierError, FieldError, InvalidRequest, ObjectNotFound, StorageUnavailable
from shared.place_settings import PlaceRule, PlaceRules
from shared.places.folder import FolderPlace
from shared.places.objects import NameRefused, PlaceObjects
from shared.places.request import Source
from shared.storage.base import StoredObject
from shared.storage.bucket_access import place_access

_USES = {"read": "to read from", "write": "to write to"}


class PlaceUnknown(AtelierError):
    """Raised when a batch needs a place that the settings of this process do not name any more."""

    code = "place_unknown"
    title = "The place is not named by the settings"


@dataclass(frozen=True, slots=True)
class AllowedPlace:
    """A place as an owner may know it."""

    name: str
    read: bool
    write: bool


class Places:
    """All places that the settings name. What a process has opened stays open."""

    def __init__(self, rules: PlaceRules, ca_file: Path | None = None) -> None:
        """`ca_file` has certificates that are trusted beside the system's."""
        self._rules = rules
        self._ca_file = ca_file
        self._open: dict[str, PlaceObjects] = {}

    def of(self, owner: str) -> list[AllowedPlace]:
        """Return the places that an owner's batches may name, by name."""
        found = [
            AllowedPlace(name, rule.allows(owner, "read"), rule.allows(owner, "write"))
            for name, rule in sorted(self._rules.items())
        ]
        return [place for place in found if place.read or place.write]

    def check(self, name: str, owner: str, access: Literal["read", "write"], pointer: str) -> None:
        """Raise InvalidRequest, with the names that this owner may use, where it may not use this one.

        Whether there is such a place for others cannot be told from it.
        """
        rule = self._rules.get(name)
        if rule is not None and rule.allows(owner, access):
            return
        names = [place.name for place in self.of(owner) if getattr(place, access)]
        field = pointer.strip("/").replace("/", ".")
        text = f"{field}: there is no place {name!r} {_USES[access]}; there are: {', '.join(names) or 'none'}"
        raise InvalidRequest(text, errors=[FieldError(pointer, text, "unknown_place")])

    def open(self, name: str, owner: str, access: Literal["read", "write"]) -> PlaceObjects:
        """Return the objects of a place; raise PlaceUnknown where the settings do not allow it any more."""
        rule = self._rules.get(name)
        if rule is None or not rule.allows(owner, access):
            raise PlaceUnknown(f"there is no place {name} any more {_USES[access]}")
        if name not in self._open:
            self._open[name] = open_place(rule, self._ca_file)
        return self._open[name]


def open_place(rule: PlaceRule, ca_file: Path | None = None) -> PlaceObjects:
    """Return the objects of a place; raise StorageUnavailable where its options are of no use."""
    if rule.folder is not None:
        return FolderPlace(rule.folder)
    from shared.places.bucket import BucketPlace  # obstore takes memory, which a folder does not need

    try:
        return BucketPlace(place_access(rule, ca_file))
    except Exception as error:
        raise StorageUnavailable(
            inside=f"{rule.url} is no bucket: {str(error).partition(chr(10))[0]}"
        ) from error


def matching(objects: PlaceObjects, source: Source) -> Iterator[StoredObject]:
    """Yield the objects that a source names, in the order in which the place lists them."""
    wanted = re.compile(fnmatch.translate(source.match.casefold())).match
    for entry in _entries(objects, source.prefix):
        name = entry.key.removeprefix(source.prefix)
        if name and wanted(name.casefold()) and is_picture_name(name):
            yield entry


def _entries(objects: PlaceObjects, prefix: str) -> Iterator[StoredObject]:
    try:
        yield from objects.entries(prefix)
    except (ObjectNotFound, NameRefused) as error:  # there is no such bucket, or a link leads elsewhere
        raise StorageUnavailable(inside=error.whole) from error


def is_picture_name(name: str) -> bool:
    """Whether a name below a source's prefix is taken: no part is hidden, and it can stand in records.

    So it has no control characters and no stray bytes.
    """
    if any(part.startswith(".") for part in name.split("/")):
        return False
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return not re.search(r"[\x00-\x1f\x7f]", name)
