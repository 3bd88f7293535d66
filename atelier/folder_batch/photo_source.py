"""The sources of photos: a folder as it is now, or a folder that is watched."""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

from atelier.folder_batch.scan import Leave, Photo, Unread, find

STABLE_SECONDS = 1.0  # a file that did not change for this time is complete
SCAN_SECONDS = 1.0  # between two scans of a watched folder

Find = Callable[[], Iterable[Photo | Unread]]


def finder(sources: Sequence[Path], outside: Path, leave: Leave) -> Find:
    """Return a function that finds the photos of the sources; `leave` is called once for a folder."""
    leave_once = cache(leave)
    return lambda: find(sources, outside=outside, leave=leave_once)


class PhotoSource(Protocol):
    """Hands out photos."""

    over: bool  # no more will come

    def take(self) -> list[Photo | Unread]:
        """Return the photos that came since the last call."""


class Once:
    """A folder as it is now."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self.over = False

    def take(self) -> list[Photo | Unread]:
        """Return everything, once."""
        if self.over:
            return []
        self.over = True
        return list(self._find())


class Watched:
    """A folder that is scanned again and again for new and changed files that are complete."""

    def __init__(self, find: Find, now: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._now = now
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}  # stamp, and since when
        self._given: dict[str, tuple[int, int]] = {}
        self._unread: set[Unread] = set()
        self._next = 0.0
        self.over = False

    def take(self) -> list[Photo | Unread]:
        """Return files that are new or changed, and have been as they are for a second."""
        if self._now() < self._next:
            return []
        found = list(self._find())
        now = self._now()
        self._next = now + SCAN_SECONDS
        photos = [entry for entry in found if isinstance(entry, Photo)]
        unread = {entry for entry in found if isinstance(entry, Unread)}
        fresh: list[Photo | Unread] = [*(unread - self._unread)]
        self._unread = unread
        there = {photo.name for photo in photos}
        self._given = {name: stamp for name, stamp in self._given.items() if name in there}
        return [*fresh, *(photo for photo in photos if self._is_due(photo, now))]

    def _is_due(self, photo: Photo, now: float) -> bool:
        if self._given.get(photo.name) == photo.stamp:
            return False
        stamp, since = self._seen.get(photo.name, (None, now))
        if stamp != photo.stamp:
            self._seen[photo.name] = (photo.stamp, now)
            return False
        if now - since < STABLE_SECONDS:
            return False
        del self._seen[photo.name]
        self._given[photo.name] = photo.stamp
        return True
