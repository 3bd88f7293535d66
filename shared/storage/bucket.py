"""Objects in buckets of S3, GCS and Azure, and in memory, by obstore."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import Any

import obstore
from obstore.exceptions import BaseError, GenericError
from obstore.store import from_url

from shared.errors import ObjectDamaged, ObjectNotFound
from shared.storage.base import StoredObject, check_key, media_type_of
from shared.storage.bucket_access import BucketAccess
from shared.storage.bucket_errors import bucket_errors

PART_BYTES = 5 * 1024 * 1024  # of one request, which its time-out allows for; S3 takes no smaller parts
PARTS_AT_ONCE = 2
DELETED_AT_ONCE = 250  # objects; S3 takes 1000, in as many times the time
SHA256 = "sha256"  # metadata of an object: the digest of what was put
_CLOCK = "clock"  # an empty object, written to read the storage's clock
_WHOLE = "non-partial response"  # of servers that send all where a range ends behind the object


class BucketStore:
    """An object store in a bucket. What is read whole is checked against the digest of what was put.

    Raises ValueError where the provider's library cannot use the URL or what else it was told.
    """

    def __init__(self, access: BucketAccess) -> None:
        self._timeout_seconds = access.timeout_seconds
        self._names = access.names
        self._is_memory = access.url.startswith("memory:")
        self._store: Any = self._opened(access, access.config)
        self._signer: Any = None
        if access.links != "off" and not self._is_memory:
            self._signer = self._opened(access, access.signing_config)

    def _opened(self, access: BucketAccess, config: Mapping[str, Any]) -> Any:
        if self._is_memory:
            return from_url(access.url)
        options: dict[str, Any] = {
            "client_options": {**access.client_options},
            "retry_config": access.retry_config,
            **({"config": {**config}} if config else {}),
        }
        try:
            return from_url(access.url, **options)
        except BaseError as error:
            raise ValueError(str(error).partition("\n")[0]) from error

    def _errors(self, key: str) -> Any:
        return bucket_errors(key, self._timeout_seconds, self._names)

    def put(self, key: str, data: bytes) -> None:
        """Store bytes; an existing object is replaced."""
        check_key(key)
        attributes = {SHA256: hashlib.sha256(data).hexdigest()}
        if media_type := media_type_of(key):
            attributes["Content-Type"] = media_type
        with self._errors(key):
            how = {"chunk_size": PART_BYTES, "max_concurrency": PARTS_AT_ONCE}
            obstore.put(self._store, key, data, attributes=attributes, **how)  # type: ignore[arg-type]

    def get(self, key: str) -> bytes:
        """Return all bytes; raise ObjectNotFound, or ObjectDamaged where they are not those that were put."""
        check_key(key)
        with self._errors(key):
            found = obstore.get(self._store, key)
            size, known = found.meta["size"], {**found.attributes}.get(SHA256)
            if size <= PART_BYTES:
                data = bytes(found.bytes())
            else:
                data = b"".join(self._range(key, at, end) for at, end in _parts(size))
        if known and known != hashlib.sha256(data).hexdigest():
            raise ObjectDamaged(inside=f"{key}: its sha256 is not that of the bytes that were put")
        return data

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes from start up to, not including, end; raise ObjectNotFound."""
        check_key(key)
        with self._errors(key):
            return self._range(key, start, end)

    def _range(self, key: str, start: int, end: int) -> bytes:
        try:
            return bytes(obstore.get_range(self._store, key, start=start, end=end))
        except GenericError as error:
            if _WHOLE not in str(error):
                raise
            return bytes(obstore.get(self._store, key).bytes())[start:end]

    def link(self, key: str, seconds: float) -> str | None:
        """Return a URL by which clients may read an object for a time; None if they cannot."""
        check_key(key)
        if self._signer is None:
            return None
        with self._errors(key):
            return str(obstore.sign(self._signer, "GET", key, timedelta(seconds=seconds)))

    def delete(self, key: str) -> None:
        """Remove an object; a missing object is not an error."""
        check_key(key)
        with suppress(ObjectNotFound), self._errors(key):
            obstore.delete(self._store, key)

    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove objects, many in one request; missing ones are not an error."""
        waiting = iter(keys)
        while chunk := list(islice(waiting, DELETED_AT_ONCE)):
            for key in chunk:
                check_key(key)
            try:
                with self._errors(f"{chunk[0]} and {len(chunk) - 1} more"):
                    obstore.delete(self._store, chunk)
            except ObjectNotFound:  # GCS and Azure end at the first one that is missing
                for key in chunk:
                    self.delete(key)

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects below a prefix that is empty or ends with a slash."""
        with self._errors(prefix):
            for chunk in obstore.list(self._store, prefix=prefix or None):
                yield from (_entry({**raw}) for raw in chunk)

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix that is empty or ends with a slash."""
        return (entry.key for entry in self.entries(prefix))

    def delete_prefix(self, prefix: str) -> None:
        """Remove every object below a prefix that ends with a slash."""
        self.delete_many(list(self.keys(prefix)))

    def unfinished(self) -> Iterator[StoredObject]:
        """Yield nothing: a lifecycle rule of the bucket removes interrupted uploads."""
        return iter(())

    def now(self) -> float:
        """Return the time by the clock that dates the objects, in seconds since the epoch."""
        with self._errors(_CLOCK):
            obstore.put(self._store, _CLOCK, b"")
            moment: float = obstore.head(self._store, _CLOCK)["last_modified"].timestamp()
            return moment

    def check(self) -> None:
        """Raise StorageUnavailable if the storage cannot be read."""
        with self._errors("/"):
            next(iter(obstore.list(self._store, chunk_size=1)), None)


def _parts(size: int) -> Iterator[tuple[int, int]]:
    return ((at, min(at + PART_BYTES, size)) for at in range(0, size, PART_BYTES))


def _entry(raw: Mapping[str, Any]) -> StoredObject:
    return StoredObject(raw["path"], raw["size"], raw["last_modified"].timestamp())
