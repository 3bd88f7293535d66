"""A worker's health, kept in a file: here it is written, judged and watched. Run as a command, it is judged.

Health is progress: the worker renews the file while it beats and its consume loop turns. Little is imported,
because a watcher should be small, and a container engine asks often.
"""

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from shared.logs import plain
from shared.private_files import make_folder, open_private
from shared.watched_process import EXIT_STUCK

log = logging.getLogger("atelier.worker")

STALE_SECONDS = 20.0  # a file that is older shows a worker without progress
SILENCE_SECONDS = 10.0  # the consume loop did not turn for this long: the worker is not ready ...
STUCK_SECONDS = 20.0  # ... and for this long: it will not turn again
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, RecursionError)


def write_health(path: Path, reason: str, models: Iterable[str]) -> None:
    """Replace the file; readers see the old text or the new. On a full disk only its time is renewed.

    `reason` says why this process cannot work now: "" while its models are warm and it consumes.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        make_folder(path.parent)
        with open_private(temporary, "wb") as file:
            file.write(json.dumps({"pid": os.getpid(), "reason": reason, "models": [*models]}).encode())
        temporary.replace(path)
    except OSError as error:
        _warn_once(path, error.strerror or type(error).__name__)
        # The heartbeat must go on: without it every job of this process would lose its lease.
        with suppress(OSError):
            os.utime(path)


@cache
def _warn_once(path: Path, reason: str) -> None:
    """Warn, because a watcher of the file takes the worker for one that is not ready."""
    log.warning("the health file cannot be written", extra={"path": str(path), "detail": reason})


def _read(path: Path) -> Any:
    """Return what the file holds. Raises one of _UNREADABLE, as does access to a field that it lacks."""
    return json.loads(path.read_text("utf-8"))


def judge(path: Path, *, now: float | None = None, progress_only: bool = False) -> str:
    """Return "" for a healthy worker, otherwise the reason why it is not.

    `progress_only`: one that stands still is at fault, and none that waits for others, such as the server.
    """
    try:
        age = (time.time() if now is None else now) - path.stat().st_mtime
        reason = str(_read(path)["reason"])
    except _UNREADABLE as error:
        return f"no worker has written {path}: {type(error).__name__}"
    if age > STALE_SECONDS:
        return f"the worker made no progress for {age:.0f} s"
    return "" if progress_only else reason


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
            health = _read(self._path)
            return bool(health["pid"] == pid and health["reason"] == "")
        except _UNREADABLE:
            return False


class WorkerHealth:
    """What this process reports of itself. It ends the process when the consume loop stands still."""

    def __init__(self, path: Path, reason: str) -> None:
        self._path = path
        self._reason = reason  # why it does not consume; "" from begin() to end()
        self._fault = ""  # why it cannot work although it consumes
        self._write()

    @property
    def is_ready(self) -> bool:
        """Whether the worker consumes, as far as it knows."""
        return not self._reason

    def begin(self) -> None:
        """Note that messages are consumed."""
        self._reason = ""
        self.progress()

    def end(self, reason: str) -> None:
        """Note that the worker stops."""
        self._reason = reason
        self._write()

    def away(self, reason: str) -> None:
        """Note that the store cannot be reached: not ready, and not stuck either."""
        self._fault = reason
        self._write()

    def progress(self, loop_silence: float = 0.0) -> None:
        """Note that the worker beats, and for how many seconds its consume loop has not turned."""
        is_silent = loop_silence > SILENCE_SECONDS
        self._fault = f"the consume loop has not turned for {loop_silence:.0f} s" if is_silent else ""
        self._write()

    def check_turning(self, loop_silence: float) -> None:
        """End the process when its consume loop has not turned for long."""
        if self.is_ready and loop_silence > STUCK_SECONDS:
            end_stuck_process("the consume loop stands still; ending this process")

    @property
    def can_work(self) -> bool:
        """Whether the file says that nothing is wrong."""
        return not (self._reason or self._fault)

    def _write(self) -> None:
        write_health(self._path, self._reason or self._fault, self._model_names())

    def _model_names(self) -> Iterable[str]:
        return ()


def end_stuck_process(text: str) -> None:
    """Log why, and end this process at once: a thread that hangs cannot be ended."""
    log.error(text)
    os._exit(EXIT_STUCK)


def _judge_by_settings(*, progress_only: bool) -> str:
    # Reading the settings takes ten times as long as the question: a caller that asks often names the file.
    from shared.settings import Settings, SettingsError

    try:
        return judge(Settings.from_env().worker_health, progress_only=progress_only)
    except SettingsError as error:
        return str(error)


def main() -> int:
    """Exit with 0 for a healthy worker of this state folder; otherwise say why and exit with 1."""
    parser = argparse.ArgumentParser(prog="python -m worker.health", description=main.__doc__)
    parser.add_argument("--file", type=Path, help="the worker's health file; without it, as the settings say")
    parser.add_argument("--progress", action="store_true", help="ask only whether it stands still")
    given = parser.parse_args()
    reason = (
        judge(given.file, progress_only=given.progress)
        if given.file
        else _judge_by_settings(progress_only=given.progress)
    )
    if reason:
        sys.stderr.write(f"{plain(f'unhealthy: {reason}')}\n")
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main())
