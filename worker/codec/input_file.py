"""A file that a job brought: held in memory, or read from storage again where it is large."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from shared.storage.base import ObjectStore

InputFile = bytes | Callable[[], bytes]

_HELD_BYTES = 8 * 1024 * 1024


def held(objects: ObjectStore, key: str, data: bytes) -> InputFile:
    """Return the file under a key, whose bytes are known; jobs that wait for a turn hold no large ones."""
    return data if len(data) <= _HELD_BYTES else partial(objects.get, key)


def bytes_of(file: InputFile) -> bytes:
    """Return the bytes of a file."""
    return file if isinstance(file, bytes) else file()
