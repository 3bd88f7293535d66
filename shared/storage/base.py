"""What object storage is: its operations, what it says of one object, and the keys, all built here."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from shared.errors import ObjectDamaged

INPUTS = "inputs/"  # uploads
INSTALLATION = "installation"  # the object that says which job store goes with the storage
OUTPUTS = "outputs/"  # results and previews; the scripts of the job store use this prefix too
_MEDIA_TYPES = {kind: f"image/{kind}" for kind in ("avif", "bmp", "gif", "jpeg", "png", "tiff", "webp")} | {
    "jpg": "image/jpeg"
}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object in a listing."""

    key: str
    bytes: int
    modified: float  # seconds since the epoch, by the storage's own clock


def check_key(key: str) -> None:
    """Raise ValueError for a key that could point outside the storage, or cannot name an object."""
    parts = key.split("/")
    if "\0" in key or not all(parts) or not {".", ".."}.isdisjoint(parts):
        raise ValueError(f"{key!r} is no object's key")


def media_type_of(key: str) -> str:
    """Return the media type that a key's ending names; "" if it names none that browsers show."""
    return _MEDIA_TYPES.get(key.rpartition("/")[2].rpartition(".")[2], "")


class ObjectStore(Protocol):
    """Bytes under keys. A put is all or nothing: readers see all of them or none.

    Atelier never puts other bytes under a key that was used: not every bucket could keep two apart.
    """

    def put(self, key: str, data: bytes) -> None:
        """Store bytes; an existing object is replaced."""

    def get(self, key: str) -> bytes:
        """Return all bytes; raise ObjectNotFound, or ObjectDamaged where the storage notices."""

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes from start up to, not including, end; raise ObjectNotFound."""

    def link(self, key: str, seconds: float) -> str | None:
        """Return a URL by which clients may read an object for a time; None if they cannot."""

    def delete(self, key: str) -> None:
        """Remove an object; a missing object is not an error."""

    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove objects, many at once where the storage can; missing ones are not an error."""

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects below a prefix that is empty or ends with a slash."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix that is empty or ends with a slash."""

    def delete_prefix(self, prefix: str) -> None:
        """Remove every object below a prefix that ends with a slash."""

    def unfinished(self) -> Iterator[StoredObject]:
        """Yield the partial data of current puts, and of puts that a crash interrupted."""

    def now(self) -> float:
        """Return the time by the clock that dates the objects, in seconds since the epoch."""

    def check(self) -> None:
        """Raise StorageUnavailable if the storage cannot be read."""


def input_key(owner: str, digest: str, media_type: str) -> str:
    """Return a fresh key for an upload. Never reused, so that a delete cannot hit a later upload."""
    return f"{INPUTS}{owner}/{digest}/{secrets.token_hex(8)}.{media_type.rpartition('/')[2]}"


def output_key(job_id: str, attempt: int, index: int, extension: str) -> str:
    """Return the key of an output. It carries the attempt, so that attempts never overwrite each other."""
    return f"{attempt_prefix(job_id, attempt)}{index}.{extension}"


def preview_key(job_id: str, attempt: int, step: int) -> str:
    """Return the key of the preview after `step` steps; it is deleted together with the outputs."""
    return f"{attempt_prefix(job_id, attempt)}previews/{step}.jpg"


def read_checked(objects: ObjectStore, key: str, sha256: str) -> bytes:
    """Return all bytes of an object; raise ObjectNotFound, or ObjectDamaged if they have another digest."""
    data = objects.get(key)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise damaged(key)
    return data


def damaged(key: str) -> ObjectDamaged:
    """Return the error for an object whose bytes are not those of its record."""
    return ObjectDamaged(inside=f"{key}: what was read is not what was written")


def attempt_prefix(job_id: str, attempt: int) -> str:
    """Return the prefix of all objects of one attempt."""
    return f"{OUTPUTS}{job_id}/{attempt}/"
