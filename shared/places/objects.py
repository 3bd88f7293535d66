"""What a place can do: list, read, and put what is not there yet. It never replaces and never deletes."""

from collections.abc import Iterator
from typing import Protocol

from shared.errors import AtelierError
from shared.storage.base import StoredObject


class NameRefused(AtelierError):
    """Raised when a place cannot have an object of this name, no matter who tries, and how often."""

    code = "name_refused"
    title = "The place cannot have an object of this name"


class PlaceObjects(Protocol):
    """The objects of one place."""

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects below a prefix that is empty or ends with a slash; raise StorageUnavailable."""

    def read(self, key: str, most: int) -> bytes:
        """Return the first bytes of an object, `most` at the most; raise ObjectNotFound."""

    def size_of(self, key: str) -> int | None:
        """Return how many bytes an object has; None where there is none."""

    def create(self, key: str, data: bytes) -> bool:
        """Put an object, whole or not at all; False, and nothing changed, where the name is taken.

        Raises NameRefused, OutOfDisk, StorageUnavailable.
        """


def is_same(objects: PlaceObjects, key: str, data: bytes) -> bool:
    """Whether an object has exactly these bytes."""
    return objects.size_of(key) == len(data) and (not data or objects.read(key, len(data)) == data)
