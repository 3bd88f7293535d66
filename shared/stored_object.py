"""What object storage says of one object, and which keys an object may have."""

from dataclasses import dataclass


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
