"""Threads of the operating system for what computes or waits for a disk.

All requests share one thread: one that waits for a socket lets others go on. What cannot do so runs here.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import ParamSpec, TypeAlias, TypeVar

import gevent
from gevent import monkey

from shared.storage.base import ObjectStore, StoredObject

P = ParamSpec("P")
R = TypeVar("R")
_ident: Callable[[], int] = monkey.get_original("threading", "get_ident")
_LISTED_AT_ONCE = 1000  # objects
_REQUESTS_THREAD = _ident()  # this module is imported there


def allow_native_threads(count: int) -> None:
    """Set how many such threads this process may have."""
    gevent.get_hub().threadpool_size = count


def in_native_thread(action: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what an action returns. It must use neither the job store nor the request.

    It runs directly where it is in such a thread already, and where gevent's sockets are not in use.
    """
    if not monkey.is_module_patched("threading") or _ident() != _REQUESTS_THREAD:
        return action(*args, **kwargs)
    outcome: Outcome[R] = gevent.get_hub().threadpool.apply(_tried, (partial(action, *args, **kwargs),))
    if isinstance(outcome, Failure):
        raise outcome.error
    return outcome


@dataclass(frozen=True, slots=True)
class Failure:
    """What an action raised. The pool of threads would print it."""

    error: Exception


Outcome: TypeAlias = R | Failure


def _tried(action: Callable[[], R]) -> Outcome[R]:
    try:
        return action()
    except Exception as error:  # noqa: BLE001  (it is raised where the action was asked for)
        return Failure(error)


def _some(found: Iterator[StoredObject]) -> list[StoredObject]:
    return list(islice(found, _LISTED_AT_ONCE))


class UnblockingObjects:
    """An object store whose calls let other requests go on."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def put(self, key: str, data: bytes) -> None:
        """Store bytes; an existing object is replaced."""
        in_native_thread(self._objects.put, key, data)

    def get(self, key: str) -> bytes:
        """Return all bytes; raise ObjectNotFound."""
        return in_native_thread(self._objects.get, key)

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes from start up to, not including, end; raise ObjectNotFound."""
        return in_native_thread(self._objects.get_range, key, start, end)

    def link(self, key: str, seconds: float) -> str | None:
        """Return a URL by which clients may read an object for a time; None if they cannot."""
        return in_native_thread(self._objects.link, key, seconds)

    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove objects, many at once where the storage can; missing ones are not an error."""
        in_native_thread(self._objects.delete_many, list(keys))

    def delete(self, key: str) -> None:
        """Remove an object; a missing object is not an error."""
        in_native_thread(self._objects.delete, key)

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects below a prefix that is empty or ends with a slash."""
        found = self._objects.entries(prefix)
        while chunk := in_native_thread(_some, found):
            yield from chunk

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix that is empty or ends with a slash."""
        return (entry.key for entry in self.entries(prefix))

    def delete_prefix(self, prefix: str) -> None:
        """Remove every object below a prefix that ends with a slash."""
        in_native_thread(self._objects.delete_prefix, prefix)

    def unfinished(self) -> Iterator[StoredObject]:
        """Yield the partial data of current puts, and of puts that a crash interrupted."""
        found = self._objects.unfinished()
        while chunk := in_native_thread(_some, found):
            yield from chunk

    def now(self) -> float:
        """Return the time by the clock that dates the objects, in seconds since the epoch."""
        return in_native_thread(self._objects.now)

    def check(self) -> None:
        """Raise StorageUnavailable if the storage cannot be read."""
        in_native_thread(self._objects.check)
