"""What object storage is: its operations, what it says of one object, and which keys an object may have."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object, as a listing shows it."""

    key: str
    bytes: int
    modified: float  # seconds since the epoch, by the storage's own clock


def check_key(key: str) -> None:
    """Raise ValueError for a key that could lead out of the storage, or name no object in it."""
    parts = key.split("/")
    if "\0" in key or not all(parts) or not {".", ".."}.isdisjoint(parts):
        raise ValueError(f"{key!r} is no object's key")


class ObjectStore(Protocol):
    """Bytes under keys. A put is all or nothing: readers see all of them or none."""

    def put(self, key: str, data: bytes) -> None:
        """Store bytes; an object that was there is replaced."""

    def get(self, key: str) -> bytes:
        """Return all bytes; raise ObjectNotFound."""

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes from start up to, not including, end; raise ObjectNotFound."""

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects below a prefix that is empty or ends with a slash."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix that is empty or ends with a slash."""

    def delete_prefix(self, prefix: str) -> None:
        """Remove every object below a prefix that ends with a slash."""

    def unfinished(self) -> Iterator[StoredObject]:
        """Yield what puts under way have written, and what those that a crash ended have left."""

    def now(self) -> float:
        """Return the time by the clock that dates the objects, in seconds since the epoch."""

    def check(self) -> None:
        """Raise StorageUnavailable where the storage cannot be read."""
