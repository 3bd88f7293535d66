"""Real terminals of a chosen width: a command writes on one in this process, or in another one."""

import os
import pty
import re
import select
import threading
import time
from collections.abc import Sequence

import pytest

from atelier.cli import main

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(arguments: Sequence[str], *, columns: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run the command with a terminal as its standard output; return the lines that it shows."""
    outside, inside = pty.openpty()
    shown: list[bytes] = []
    reader = threading.Thread(target=_read, args=(outside, shown))
    reader.start()
    try:
        with monkeypatch.context() as patch, os.fdopen(inside, "w", encoding="utf-8") as terminal:
            patch.setenv("COLUMNS", str(columns))
            patch.setenv("TERM", "xterm-256color")
            patch.setattr("sys.stdout", terminal)
            main(list(arguments), standalone_mode=False)
    finally:
        reader.join(20)
        os.close(outside)
    text = _ESCAPES.sub("", b"".join(shown).decode())
    return [line.rstrip() for line in text.replace("\r\n", "\n").splitlines()]


def read_until(outside: int, text: str, *, seconds: float = 60.0) -> str:
    """Return what a command in another process shows, read from its terminal until a text has come."""
    shown, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([outside], [], [], 0.1)[0]:
            shown += os.read(outside, 65536)
        plain = _ESCAPES.sub("", shown.decode(errors="ignore")).replace("\r\n", "\n")
        if text in plain:
            return plain
    raise AssertionError(f"{text!r} was not shown within {seconds:g} s, but: {plain[-2000:]}")


def _read(outside: int, shown: list[bytes]) -> None:
    while True:
        try:
            data = os.read(outside, 65536)
        except OSError:  # Linux raises it when the other end is closed
            return
        if not data:
            return
        shown.append(data)
