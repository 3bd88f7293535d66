"""What the processes of an installation write, as one log: on the screen, and in files that are kept.

Processes write their events as JSON; the screen shows them as text unless it is to have JSON too.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

from shared.logs import event_of, one_line, plain, text_lines
from shared.private_files import make_folder, open_private

COLORS = ("36", "33", "35", "32", "34", "31")  # of names, in the order in which they first speak
OWN_NAME = "atelier"
LOGS = "logs"  # the folder, in the state folder
LOG_FILE = "atelier.log"  # older ones have .1, .2 ... behind it
FILE_BYTES = 16 * 1024 * 1024
OLDER_FILES = 5


class LogFile(RotatingFileHandler):
    """Whole lines in a file for this user alone, begun again when it is full. A full disk silences it."""

    def __init__(self, folder: Path, *, most_bytes: int = FILE_BYTES) -> None:
        make_folder(folder)
        super().__init__(folder / LOG_FILE, maxBytes=most_bytes, backupCount=OLDER_FILES, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(open_private(Path(self.baseFilename), "ab"), encoding="utf-8")

    def line(self, text: str) -> None:
        """Write one line."""
        self.handle(logging.makeLogRecord({"msg": text}))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the name in the standard library)
        """Do without the line: there is nowhere to complain."""


class ProcessLog:
    """Writes whole lines from any thread. A reader that goes away only silences it."""

    def __init__(self, stream: TextIO | None = None, *, width: int = 9, as_json: bool = False) -> None:
        self._stream = stream or sys.stdout
        self._width = width
        self._as_json = as_json
        self._file: LogFile | None = None
        self._colors: dict[str, str] = {}
        self._lock = threading.Lock()
        self._is_colored = self._stream.isatty() and "NO_COLOR" not in os.environ

    @contextmanager
    def kept_in(self, folder: Path) -> Iterator[None]:
        """Write the lines of a block into files of this folder too, as JSON, if that can be done."""
        try:
            self._file = LogFile(folder)
        except OSError as error:
            self.say(f"WARNING: no log is kept: {error}")
        try:
            yield
        finally:
            file, self._file = self._file, None
            if file is not None:
                file.close()

    def line(self, name: str, text: str) -> None:
        """Write a line of a process."""
        if not text:
            return
        event = event_of(text)
        told: Mapping[str, Any] = event or {"ts": time.time(), "msg": text}
        as_json = one_line({**told, "process": name})
        shown = text_lines(event) if event else (plain(text.expandtabs()),)
        with self._lock:
            if self._file is not None:
                self._file.line(as_json)
            self._show([as_json] if self._as_json else [f"{self._prefix(name)} {line}" for line in shown])

    def _show(self, lines: list[str]) -> None:
        try:
            self._stream.write("".join(f"{line}\n" for line in lines))
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = _nowhere()

    def say(self, text: str) -> None:
        """Write a line of the supervisor's own."""
        event = {"ts": time.time(), "level": "INFO", "logger": "atelier.up", "msg": text, "process": OWN_NAME}
        clock = next(text_lines(event)).partition(" ")[0]
        with self._lock:
            if self._file is not None:
                self._file.line(one_line(event))
            own = f"{self._prefix(OWN_NAME)} {clock} {plain(text.expandtabs())}"
            self._show([one_line(event) if self._as_json else own])

    def _prefix(self, name: str) -> str:
        plain = f"{name:<{self._width}} |"
        if not self._is_colored:
            return plain
        color = self._colors.setdefault(name, COLORS[len(self._colors) % len(COLORS)])
        return f"\x1b[{color}m{plain}\x1b[0m"


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  (a name, not a path)
