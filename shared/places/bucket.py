"""A bucket as a place, by obstore."""

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, InvalidPathError, NotSupportedError, PreconditionError

from shared.errors import ObjectNotFound, StorageUnavailable
from shared.places.objects import NameRefused
from shared.storage.base import StoredObject, check_key
from shared.storage.bucket import BucketStore

_MARK = "put"  # metadata of an object: another for each put
_TAKEN = (AlreadyExistsError, PreconditionError)  # which of them differs from store to store


class BucketPlace(BucketStore):
    """The objects of a bucket, below the folder that its URL names."""

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects below a prefix, without those whose names no reader could ask for."""
        for entry in super().entries(prefix):
            if _is_plain(entry.key):
                yield entry

    def read(self, key: str, most: int) -> bytes:
        """Return the first bytes of an object."""
        size = self.size_of(key)
        return self.get_range(key, 0, min(size, most)) if size else self.get(key)

    def size_of(self, key: str) -> int | None:
        """Return the bytes of an object; None where there is none."""
        check_key(key)
        try:
            with self._errors(key):
                return int(obstore.head(self._store, key)["size"])
        except ObjectNotFound:
            return None

    def create(self, key: str, data: bytes) -> bool:
        """Put an object on the condition that there is none of this name.

        It is looked for first, too: some stores pass over the condition. A put whose response was lost is
        sent again, and refused for what it has put itself: that is told by its mark.
        """
        if self.size_of(key) is not None:
            return False
        mark = secrets.token_hex(16)
        try:
            with self._errors(key):
                obstore.put(
                    self._store, key, data, attributes={_MARK: mark}, mode="create", use_multipart=False
                )
        except ObjectNotFound as error:
            raise StorageUnavailable(inside="there is no such bucket") from error
        except StorageUnavailable as error:
            if isinstance(error.__cause__, _TAKEN):
                return self._mark_of(key) == mark
            if not _knows_no_conditions(error):
                raise
            self.put(key, data)
        return True

    def _mark_of(self, key: str) -> str | None:
        """Return what was drawn for the put that made an object; None where there is none."""
        try:
            with self._errors(key):
                found = {**obstore.get(self._store, key, options={"head": True}).attributes}
        except ObjectNotFound:
            return None
        return found.get(_MARK)

    def _errors(self, key: str) -> Any:
        return _names_refused(key, super()._errors(key))


@contextmanager
def _names_refused(key: str, errors: AbstractContextManager[None]) -> Iterator[None]:
    """Raise NameRefused in place of the error for a name that no store takes."""
    try:
        with errors:
            yield
    except StorageUnavailable as error:
        if isinstance(error.__cause__, InvalidPathError):
            raise NameRefused(f"{key}: the bucket takes no such name") from error
        raise


def _knows_no_conditions(error: StorageUnavailable) -> bool:
    return isinstance(error.__cause__, NotSupportedError) or "NotImplemented" in error.inside


def _is_plain(key: str) -> bool:
    try:
        check_key(key)
    except ValueError:
        return False
    return True
