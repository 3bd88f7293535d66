"""One readable log of several processes: every line begins with the name of its process."""

import os
import sys
import threading
import time
from typing import TextIO

from shared.logs import plain

COLORS = ("36", "33", "35", "32", "34", "31")  # of names, in the order in which they first speak
OWN_NAME = "atelier"


class ProcessLog:
    """Writes whole lines from any thread. A reader that goes away only silences it."""

    def __init__(self, stream: TextIO | None = None, *, width: int = 9) -> None:
        self._stream = stream or sys.stdout
        self._width = width
        self._colors: dict[str, str] = {}
        self._lock = threading.Lock()
        self._is_colored = self._stream.isatty() and "NO_COLOR" not in os.environ

    def line(self, name: str, text: str) -> None:
        """Write a line of a process."""
        if not text:
            return
        with self._lock:
            try:
                self._stream.write(f"{self._prefix(name)} {plain(text.expandtabs())}\n")
                self._stream.flush()
            except (OSError, ValueError):
                self._stream = _nowhere()

    def say(self, text: str) -> None:
        """Write a line of the supervisor's own."""
        now = time.time()
        clock = time.strftime("%H:%M:%S", time.localtime(now))
        self.line(OWN_NAME, f"{clock}.{int(now * 1000) % 1000:03d} {text}")

    def _prefix(self, name: str) -> str:
        plain = f"{name:<{self._width}} |"
        if not self._is_colored:
            return plain
        color = self._colors.setdefault(name, COLORS[len(self._colors) % len(COLORS)])
        return f"\x1b[{color}m{plain}\x1b[0m"


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  (a name, not a path)
