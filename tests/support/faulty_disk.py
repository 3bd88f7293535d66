"""A disk on which one operation fails: each step that a program takes with chosen paths can be tried."""

import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest

METHODS = ("stat", "lstat", "open", "mkdir", "replace", "unlink", "iterdir", "resolve")


class FaultyDisk:
    """Counts the operations on paths that have a part of a name, and has the one that is chosen fail."""

    def __init__(self, patch: pytest.MonkeyPatch, part: str) -> None:
        self._part = part
        self.steps: list[str] = []  # what was done, in order
        self.fails_at = -1  # index of the step that fails
        self.code = errno.EIO
        for name in METHODS:
            patch.setattr(Path, name, self._method(getattr(Path, name)))
        patch.setattr(os, "access", self._access(os.access))

    def begin(self, fails_at: int = -1, code: int = errno.EIO) -> None:
        """Count from 0, and have one step fail."""
        self.steps, self.fails_at, self.code = [], fails_at, code

    def take(self, path: object, name: str) -> None:
        """Note a step; raise OSError where it is the one that fails."""
        if self._part not in Path(str(path)).parts:
            return
        self.steps.append(name)
        if len(self.steps) - 1 == self.fails_at:
            raise OSError(self.code, os.strerror(self.code), str(path))

    def _method(self, original: Any) -> Any:
        def method(path: Path, *arguments: Any, **options: Any) -> Any:
            self.take(path, original.__name__)
            found = original(path, *arguments, **options)
            return _File(self, path, found) if original.__name__ == "open" else found

        return method

    def _access(self, original: Any) -> Any:
        def access(path: Any, *arguments: Any, **options: Any) -> bool:
            try:
                self.take(path, "access")
            except OSError:
                return False
            return bool(original(path, *arguments, **options))

        return access


class _File:
    """An open file whose reading and writing are steps too."""

    def __init__(self, disk: FaultyDisk, path: Path, file: io.BufferedReader) -> None:
        self._disk, self._path, self._file = disk, path, file

    def __getattr__(self, name: str) -> Any:
        if name in ("read", "readinto", "write", "flush", "fileno"):
            self._disk.take(self._path, name)
        return getattr(self._file, name)

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
