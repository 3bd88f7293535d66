"""Object storage: bytes under keys, in a local folder, S3, GCS or Azure, by URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, from_url

from shared.errors import ObjectNotFound, StorageUnavailable


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

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix that ends with a slash."""

    def delete_prefix(self, prefix: str) -> None:
        """Remove every object below a prefix that ends with a slash."""

    def check(self) -> None:
        """Raise StorageUnavailable where the storage cannot be read."""


@contextmanager
def _mapped(key: str) -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise ObjectNotFound(f"nothing is stored under {key}") from error
    except (BaseError, OSError) as error:
        raise StorageUnavailable(
            f"object storage failed at {key}: {type(error).__name__}: {error}"
        ) from error


class ObstoreObjectStore:
    """The object store over obstore."""

    def __init__(self, url: str) -> None:
        self._store = _open(url)

    def put(self, key: str, data: bytes) -> None:
        """Store bytes; an object that was there is replaced."""
        with _mapped(key):
            obstore.put(self._store, key, data)

    def get(self, key: str) -> bytes:
        """Return all bytes; raise ObjectNotFound."""
        with _mapped(key):
            return bytes(obstore.get(self._store, key).bytes())

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes from start up to, not including, end; raise ObjectNotFound."""
        with _mapped(key):
            return bytes(obstore.get_range(self._store, key, start=start, end=end))

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        try:
            with _mapped(key):
                obstore.delete(self._store, key)
        except ObjectNotFound:
            return

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix that ends with a slash."""
        with _mapped(prefix):
            for chunk in obstore.list(self._store, prefix=prefix):
                yield from (entry["path"] for entry in chunk)

    def delete_prefix(self, prefix: str) -> None:
        """Remove every object below a prefix that ends with a slash."""
        for key in list(self.keys(prefix)):
            self.delete(key)

    def check(self) -> None:
        """Raise StorageUnavailable where the storage cannot be read."""
        with _mapped("/"):
            next(iter(obstore.list(self._store, chunk_size=1)), None)


def _open(url: str) -> obstore.store.ObjectStore:
    parts = urlsplit(url)
    if parts.scheme != "file":
        return from_url(url)
    folder = Path(unquote(parts.path))
    folder.mkdir(parents=True, exist_ok=True)
    return LocalStore(folder, automatic_cleanup=True)


def open_object_store(url: str) -> ObjectStore:
    """Return the store of a URL: file:///folder, s3://bucket/prefix, gs://..., az://..."""
    return ObstoreObjectStore(url)
