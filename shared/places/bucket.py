"""A bucket as a place, by obstore."""

from collections.abc import Iterator
from contextlib import contextmanager

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    InvalidPathError,
    NotFoundError,
    NotSupportedError,
    PreconditionError,
)

from shared.errors import AtelierError, StorageUnavailable
from shared.places.objects import NameRefused
from shared.storage.base import StoredObject, check_key
from shared.storage.bucket import BucketStore

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
            with _told(key):
                return int(obstore.head(self._store, key)["size"])
        except (NotFoundError, FileNotFoundError):
            return None

    def create(self, key: str, data: bytes) -> bool:
        """Put an object on the condition that there is none of this name.

        It is looked for first, too: some stores pass over the condition.
        """
        if self.size_of(key) is not None:
            return False
        try:
            with _told(key):
                obstore.put(self._store, key, data, mode="create", use_multipart=False)
        except _TAKEN:
            return False
        except (NotFoundError, FileNotFoundError) as error:
            raise StorageUnavailable(inside="there is no such bucket") from error
        except NotSupportedError:
            self.put(key, data)
        except StorageUnavailable as error:
            if "NotImplemented" not in error.inside:
                raise
            self.put(key, data)  # a server that knows no conditions
        return True


@contextmanager
def _told(key: str) -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError, NotSupportedError, *_TAKEN, AtelierError):
        raise
    except InvalidPathError as error:
        raise NameRefused(f"{key}: the bucket takes no such name") from error
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise StorageUnavailable(inside=f"at {key}: {reason}") from error


def _is_plain(key: str) -> bool:
    try:
        check_key(key)
    except ValueError:
        return False
    return True
