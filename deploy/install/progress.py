"""How far pip is: which package it fetches, then how many it has unpacked."""

import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

LINE_SECONDS = 10.0  # between lines of progress where the output is no terminal
_PACKAGE = r"(?:Collecting|Processing|Requirement already satisfied:) (?:\S*/)?(\w[\w.]*(?:-[A-Za-z][\w.]*)*)"


class Progress:
    """Says how far pip is: which package it fetches, then how many it has unpacked."""

    def __init__(self, venv: Path, count: int) -> None:
        self._venv = venv
        self._count = count
        self._fetched = 0
        self._text = ""
        self._is_unpacking = False
        self._is_terminal = sys.stdout.isatty()
        self._next_line = time.monotonic() + LINE_SECONDS

    def see(self, line: str) -> None:
        """Take a line of pip's output, or an empty one once a second."""
        if found := re.match(_PACKAGE, line):
            self._fetched += 1
            self._text = f"fetching {self._fetched} of {self._count}: {found[1]}"
        elif line.startswith("Ignoring "):
            self._count -= 1  # it is for other machines
        elif found := re.search(r"(?:Downloading|Using cached) \S+ (\(.*\))", line):
            self._text = f"{self._text.split(' (')[0]} {found[1]}"
        elif "Retrying" in line:
            self._text = "the package index does not answer; trying again"
        self._is_unpacking = self._is_unpacking or line.startswith("Installing collected packages")
        if self._is_unpacking:
            self._text = f"unpacking: {self._unpacked()} of {self._count}"
        self._show()

    def _unpacked(self) -> int:
        return min(self._count, sum(1 for _ in self._venv.glob("lib/python3*/site-packages/*.dist-info")))

    def _show(self) -> None:
        if self._is_terminal:
            print(f"\r\033[K  {self._text[:76]}", end="", flush=True)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_SECONDS
            say(f"  {self._text}")

    def end(self) -> None:
        """Leave the terminal's line."""
        if self._is_terminal:
            print("\r\033[K", end="", flush=True)


def lines_of(process: "subprocess.Popen[str]") -> Iterator[str]:
    """Yield each line of a process as it comes, and an empty text for each second without one."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    assert process.stdout is not None

    def read(output: Iterable[str]) -> None:
        for line in output:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, args=(process.stdout,), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            line = ""
        if line is None:
            return
        yield line


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)
