"""The log files of an installation: from the oldest line that is kept to the newest, and what comes after."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

from atelier.supervisor.process_log import LOG_FILE, LOGS, OLDER_FILES

LOOK_SECONDS = 0.25  # between two looks at whether the newest file has grown


def log_file(state_dir: Path) -> Path:
    """Return the newest log file of a state folder."""
    return state_dir.absolute() / LOGS / LOG_FILE


class LogReader:
    """Reads a log file and the older ones beside it, then what is written after that.

    For one thread. It is used in a `with` block.
    """

    def __init__(self, newest: Path) -> None:
        self._path = newest
        self._file: IO[str] | None = None
        self._part = ""  # of a line whose end is not written yet

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()

    def kept(self) -> Iterator[str]:
        """Yield the whole lines that are there, the oldest first."""
        newest, *older = self._open_all()
        for file in filter(None, reversed(older)):
            with file:
                yield from file
        self._file = newest
        yield from self._read()

    def new(self) -> Iterator[str]:
        """Yield each line that is written after those of `kept`, for ever, also to a new file there."""
        while True:
            is_replaced = self._file is None or self._is_replaced(self._file)
            yield from self._read()  # after that look: the old file is read to its end
            if is_replaced:
                self._close()
                self._file, self._part = self._open(self._path), ""
                yield from self._read()
            time.sleep(LOOK_SECONDS)

    def _read(self) -> Iterator[str]:
        while self._file and (text := self._file.readline()):
            self._part += text
            if self._part.endswith("\n"):
                yield self._part
                self._part = ""

    def _open_all(self) -> list[IO[str] | None]:
        """Open the newest file, then the older ones. One that is renamed meanwhile counts once."""
        numbered = [self._path.with_name(f"{self._path.name}.{n}") for n in range(1, OLDER_FILES + 1)]
        found: dict[int, IO[str] | None] = {}
        for number, path in enumerate((self._path, *numbered)):
            file = self._open(path)
            found.setdefault(os.fstat(file.fileno()).st_ino if file else -number, file)
        return list(found.values())

    @staticmethod
    def _open(path: Path) -> IO[str] | None:
        try:
            return path.open(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def _is_replaced(self, file: IO[str]) -> bool:
        try:
            return self._path.stat().st_ino != os.fstat(file.fileno()).st_ino
        except FileNotFoundError:
            return False
