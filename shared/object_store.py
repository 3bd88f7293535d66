"""Object storage: bytes under keys, in a local folder, S3, GCS or Azure, by URL."""

from collections.abc import Iterator
from typing import Any, Protocol

from shared.local_object_store import LocalObjectStore, local_folder
from shared.stored_object import StoredObject


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


def open_object_store(url: str, **options: Any) -> ObjectStore:
    """Return the store of a URL: file:///folder, s3://bucket/prefix, gs://..., az://...

    The options are obstore's, for buckets.
    """
    folder = local_folder(url)
    if folder is not None:
        return LocalObjectStore(folder)
    # Imported here: obstore takes 4 MiB of each process, and a folder needs none of it.
    from shared.bucket_store import BucketStore

    return BucketStore(url, **options)
