"""A worker's health, kept in a file: one that was ready and no longer makes progress is as good as dead."""

import json
import logging
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

log = logging.getLogger("atelier.worker")

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


@dataclass(frozen=True, slots=True)
class Health:
    """What the file says. Its time of change is the last progress."""

    pid: int
    reason: str  # why it cannot work now; "" while it can: models warm and consuming
    models: tuple[str, ...]

    @classmethod
    def of_this_process(cls, reason: str, models: tuple[str, ...]) -> "Health":
        """Return the health of the process that asks."""
        return cls(os.getpid(), reason, models)


def write_health(path: Path, health: Health) -> None:
    """Replace the file; readers see the old text or the new. On a full disk its time alone is renewed."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(asdict(health)), "utf-8")
        temporary.replace(path)
    except OSError as error:
        _complain(path, error.strerror or type(error).__name__)
        # The heartbeat must go on: without it every job of this process would be taken for lost.
        with suppress(OSError):
            os.utime(path)


@cache
def _complain(path: Path, reason: str) -> None:
    """Say it once: who watches the file takes the worker for one that is not ready."""
    log.warning("the health file cannot be written", extra={"path": str(path), "detail": reason})


def judge(path: Path, *, now: float | None = None) -> str:
    """Return "" for a healthy worker, otherwise the reason why it is not."""
    try:
        age = (time.time() if now is None else now) - path.stat().st_mtime
        reason = str(json.loads(path.read_text("utf-8"))["reason"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return f"no worker has written {path}: {type(error).__name__}"
    if age > STALE_SECONDS:
        return f"the worker made no progress for {age:.0f} s"
    return reason
