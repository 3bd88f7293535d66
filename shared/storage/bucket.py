"""Objects in buckets of S3, GCS and Azure, and in memory, by obstore."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import from_url

from shared.errors import ObjectNotFound, OutOfDisk, StorageUnavailable
from shared.storage.base import StoredObject, check_key

_FULL_MARKS = ("(os error 28)", "(os error 122)", "[Errno 28]", "[Errno 122]")  # no space, or no quota, left
_CLOCK = "clock"  # an empty object, written to read the storage's clock


@contextmanager
def _mapped(key: str) -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise ObjectNotFound(inside=f"nothing is stored under {key}") from error
    except (BaseError, OSError) as error:
        reason = str(error).partition("\n")[0]  # the other lines are internals of the library
        kind = OutOfDisk if any(mark in reason for mark in _FULL_MARKS) else StorageUnavailable
        raise kind(inside=f"at {key}: {reason}") from error


class BucketStore:
    """An object store for a URL that obstore supports; the options are those of obstore."""

    def __init__(self, url: str, **options: Any) -> None:
        self._store = from_url(url, **options)

    def put(self, key: str, data: bytes) -> None:
        """Store bytes; an existing object is replaced."""
        check_key(key)
        with _mapped(key):
            obstore.put(self._store, key, data)

    def get(self, key: str) -> bytes:
        """Return all bytes; raise ObjectNotFound."""
        check_key(key)
        with _mapped(key):
            return bytes(obstore.get(self._store, key).bytes())

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes from start up to, not including, end; raise ObjectNotFound."""
        check_key(key)
        with _mapped(key):
            return bytes(obstore.get_range(self._store, key, start=start, end=end))

    def delete(self, key: str) -> None:
        """Remove an object; a missing object is not an error."""
        check_key(key)
        with suppress(ObjectNotFound), _mapped(key):
            obstore.delete(self._store, key)

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects below a prefix that is empty or ends with a slash."""
        with _mapped(prefix):
            for chunk in obstore.list(self._store, prefix=prefix or None):
                yield from (_entry({**raw}) for raw in chunk)

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix that is empty or ends with a slash."""
        return (entry.key for entry in self.entries(prefix))

    def delete_prefix(self, prefix: str) -> None:
        """Remove every object below a prefix that ends with a slash."""
        for key in list(self.keys(prefix)):
            self.delete(key)

    def unfinished(self) -> Iterator[StoredObject]:
        """Yield nothing: a lifecycle rule of the bucket removes interrupted uploads."""
        return iter(())

    def now(self) -> float:
        """Return the time by the clock that dates the objects, in seconds since the epoch."""
        with _mapped(_CLOCK):
            obstore.put(self._store, _CLOCK, b"")
            moment: float = obstore.head(self._store, _CLOCK)["last_modified"].timestamp()
            return moment

    def check(self) -> None:
        """Raise StorageUnavailable if the storage cannot be read."""
        with _mapped("/"):
            next(iter(obstore.list(self._store, chunk_size=1)), None)


def _entry(raw: Mapping[str, Any]) -> StoredObject:
    return StoredObject(raw["path"], raw["size"], raw["last_modified"].timestamp())
