"""Reads a worker's health file: a worker that was ready and no longer makes progress is as good as dead."""

import json
import time
from pathlib import Path

STALE_SECONDS = 20.0


class HealthWatch:
    """Measures stillness by its own clock: a computer that slept is not a worker that hung."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pid = 0  # the process that was seen ready
        self._modified = 0
        self._changed = 0.0

    def has_been_ready(self, pid: int) -> bool:
        """Whether the process was ready when the file was last looked at."""
        return self._pid == pid

    def stale_seconds(self, pid: int) -> float | None:
        """Look at the file; return how long a process that was ready stands still, if that is too long."""
        now = time.monotonic()
        modified = self._modification()
        if modified != self._modified:
            self._modified, self._changed = modified, now
            self._pid = pid if self._is_ready(pid) else self._pid
        still = now - self._changed
        return still if self._pid == pid and still > STALE_SECONDS else None

    def _modification(self) -> int:
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0

    def _is_ready(self, pid: int) -> bool:
        try:
            health = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return False
        return isinstance(health, dict) and health.get("pid") == pid and health.get("reason") == ""
