"""The disk guard: refuses new work before the storage folder is full, so that accepted work has room.

A bucket has no such limits, so its guard refuses nothing.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.errors import OutOfDisk
from shared.setting_groups import BLOCK, MEBIBYTE, DiskRules
from shared.settings import Settings
from shared.storage.base import ObjectStore
from shared.storage.local import local_folder

SMALL_DISK_SHARE = 20  # the floor is at most 1/20 of the whole disk, in bytes and in files
RESULTS_SHARE = 8  # results of accepted work may use all but 1/8 of the floor
FILES_FLOOR = 10_000  # files that new work leaves possible: a disk can run out of these as well
_PLENTY = 2**62  # files of a disk that does not count them
_FRESH_SECONDS = 3.0  # a measured usage is valid for at least this long,
_COST = 20  # and for this many times the duration of the measurement
_SELDOM_SECONDS = 300.0  # between two measurements that no request waits for
_PATIENCE_SECONDS = 1.0  # how long a request waits for a new measurement if the last one refuses it


class DiskGuard:
    """Checks the free room of a storage folder. It is safe for many threads."""

    def __init__(self, folder: Path | None, rules: DiskRules, measure: Callable[[], int]) -> None:
        self._folder = folder
        self._rules = rules
        self._usage = Usage(measure)

    def check(self, incoming_bytes: int = 0, incoming_files: int = 0, *, is_trial: bool = False) -> None:
        """Raise OutOfDisk, which names the limit, if new work of this size must be refused.

        Of a trial nothing is stored, so its bytes do not count afterward.
        """
        if self._folder is None:
            return
        incoming_bytes = on_disk(incoming_bytes)
        self._check_floor(self._folder, incoming_bytes, incoming_files)
        if self._rules.quota_mebibytes:
            self._check_quota(incoming_bytes)
            if not is_trial:
                self._usage.note(incoming_bytes)

    def has_room_for_results(self) -> bool:
        """Whether the results of accepted work are likely to find room."""
        if self._folder is None:
            return True
        room = self._room(self._folder)
        return (
            room.free_bytes > room.least_bytes // RESULTS_SHARE
            and room.free_files > room.least_files // RESULTS_SHARE
        )

    def room(self) -> "Room | None":
        """Return what is free on the storage folder's disk; None for a bucket, or where it cannot be read."""
        return None if self._folder is None else self._read_room(self._folder)

    def used_bytes(self) -> int | None:
        """Return what the objects in the folder take, as measured lately; None before, or for a bucket."""
        return None if self._folder is None else self._usage.lately()

    def _check_floor(self, folder: Path, incoming_bytes: int, incoming_files: int) -> None:
        room = self._room(folder)
        if room.free_bytes - incoming_bytes < room.least_bytes:
            least = _mebibytes(room.least_bytes)
            shown = f"{_mebibytes(room.free_bytes)} are free, and new work leaves at least {least}"
            raise OutOfDisk(f"the storage's disk is nearly full: {shown} (ATELIER_DISK_FLOOR_MEBIBYTES)")
        if room.free_files - incoming_files < room.least_files:
            shown = f"it can hold {room.free_files} more files"
            asked = f"{incoming_files} are asked for, and " if incoming_files else ""
            left = f"{asked}new work leaves at least {room.least_files}"
            raise OutOfDisk(f"the storage's disk is nearly full: {shown}, {left}")

    def _check_quota(self, incoming_bytes: int) -> None:
        quota = self._rules.quota_mebibytes * MEBIBYTE
        used = self._usage.bytes(below=quota - incoming_bytes)
        if used + incoming_bytes > quota:
            shown = f"it holds {_mebibytes(used)} of {_mebibytes(quota)}"
            raise OutOfDisk(f"the storage's quota is used up: {shown} (ATELIER_DISK_QUOTA_MEBIBYTES)")

    def _room(self, folder: Path) -> "Room":
        # The storage, not the guard, reports a missing folder.
        return self._read_room(folder) or Room(MEBIBYTE, 0, _PLENTY, 0, 0)

    def _read_room(self, folder: Path) -> "Room | None":
        try:
            disk = os.statvfs(folder)
        except OSError:
            return None
        floor = min(self._rules.floor_mebibytes * MEBIBYTE, disk.f_blocks * disk.f_frsize // SMALL_DISK_SHARE)
        return Room(
            free_bytes=disk.f_bavail * disk.f_frsize,
            least_bytes=floor,
            free_files=disk.f_favail if disk.f_files else _PLENTY,
            least_files=min(FILES_FLOOR, disk.f_files // SMALL_DISK_SHARE),
            all_bytes=disk.f_blocks * disk.f_frsize,
        )


@dataclass(frozen=True, slots=True)
class Room:
    """What is free on a disk, and how much of it new work leaves."""

    free_bytes: int
    least_bytes: int
    free_files: int
    least_files: int
    all_bytes: int  # of the whole disk


def on_disk(size: int) -> int:
    """Return how many bytes of a disk a file of a size takes."""
    return -(-size // BLOCK) * BLOCK


class Usage:
    """Bytes in use: a thread measures them from time to time; newer bytes are added."""

    def __init__(self, measure: Callable[[], int]) -> None:
        self._measure = measure
        self._lock = threading.Lock()
        self._bytes: int | None = None
        self._due = 0.0
        self._measuring: threading.Thread | None = None

    def bytes(self, *, below: int) -> int:
        """Return the usage; if the known value is above a limit, wait a little for a new one."""
        measuring = self._refreshed()
        if self._bytes is None:
            measuring.join()
        elif self._bytes > below:
            measuring.join(_PATIENCE_SECONDS)
        return self._bytes or 0

    def lately(self) -> int | None:
        """Return the usage as last measured, without waiting; None before that. Measures it now and then."""
        if time.monotonic() >= self._due + _SELDOM_SECONDS or self._bytes is None:
            self._refreshed()
        return self._bytes

    def note(self, incoming_bytes: int) -> None:
        """Count bytes that are about to be stored."""
        with self._lock:
            self._bytes = (self._bytes or 0) + incoming_bytes

    def _refreshed(self) -> threading.Thread:
        with self._lock:
            known = self._measuring
            if known is None or (time.monotonic() >= self._due and not known.is_alive()):
                known = self._measuring = threading.Thread(target=self._run, name="disk-usage", daemon=True)
                known.start()
            return known

    def _run(self) -> None:
        began = time.monotonic()
        found = self._measure()
        ended = time.monotonic()
        with self._lock:
            self._bytes = found
            self._due = ended + max(_FRESH_SECONDS, _COST * (ended - began))


def open_disk_guard(settings: Settings, objects: ObjectStore) -> DiskGuard:
    """Return the guard for the configured storage."""

    def measure() -> int:
        return sum(on_disk(entry.bytes) for entry in objects.entries(""))

    return DiskGuard(local_folder(settings.storage), settings.disk, measure)


def _mebibytes(size: int) -> str:
    return f"{size / MEBIBYTE:,.1f} MiB"
