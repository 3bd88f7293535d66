"""A worker's health, kept in a file: it judges by progress, not by being alive. Run as a command to ask."""

import argparse
import json
import logging
import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

log = logging.getLogger("atelier.worker")

STALE_SECONDS = 20.0


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


def _judge_by_settings() -> str:
    # Reading the settings takes ten times as long as the question: who asks often names the file.
    from shared.settings import Settings, SettingsError

    try:
        return judge(Settings.from_env().worker_health)
    except SettingsError as error:
        return str(error)


def main() -> int:
    """Exit with 0 for a healthy worker of this state folder; otherwise say why and exit with 1."""
    parser = argparse.ArgumentParser(prog="python -m worker.health", description=main.__doc__)
    parser.add_argument("--file", type=Path, help="the worker's health file; without it, as the settings say")
    file = parser.parse_args().file
    reason = _judge_by_settings() if file is None else judge(file)
    if reason:
        sys.stderr.write(f"unhealthy: {reason}\n")
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main())
