"""Object storage: bytes under keys, in a local folder, S3, GCS or Azure, by URL."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, from_url

from shared.errors import ObjectNotFound, OutOfDisk, StorageUnavailable

_FULL = ("(os error 28)", "(os error 122)", "[Errno 28]", "[Errno 122]")  # no space, or no quota, left


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
        reason = str(error).partition("\n")[0]  # what follows is the library's inside
        kind = OutOfDisk if any(mark in reason for mark in _FULL) else StorageUnavailable
        raise kind(f"object storage failed at {key}: {reason}") from error


class ObstoreObjectStore:
    """The object store over obstore."""

    def __init__(self, url: str) -> None:
        self._folder = _local_folder(url)
        self._store = from_url(url) if self._folder is None else _local_store(self._folder)

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
        if self._folder is not None and not os.access(self._folder, os.R_OK | os.W_OK | os.X_OK):
            raise StorageUnavailable(f"the folder {self._folder} is not there, or closed to this process")
        with _mapped("/"):
            next(iter(obstore.list(self._store, chunk_size=1)), None)


def _local_folder(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _local_store(folder: Path) -> LocalStore:
    folder.mkdir(parents=True, exist_ok=True)
    return LocalStore(folder, automatic_cleanup=True)


def open_object_store(url: str) -> ObjectStore:
    """Return the store of a URL: file:///folder, s3://bucket/prefix, gs://..., az://..."""
    return ObstoreObjectStore(url)
