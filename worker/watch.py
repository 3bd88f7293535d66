"""Runs `python -m worker` and ends it when it hangs: `python -m worker.watch --file HEALTH ARGUMENTS...`.

For containers: an engine restarts what has ended, and leaves alone what is merely unhealthy.
"""

import argparse
import sys
from pathlib import Path

from shared.watched_process import run_watched
from worker.health import HealthWatch


def watch(command: list[str], health_file: Path) -> int:
    """Run a command until it ends; return its status, or EXIT_STUCK where it stood still and was killed."""
    health = HealthWatch(health_file)

    def fault(pid: int) -> str:
        still = health.stale_seconds(pid)
        return "" if still is None else f"the worker made no progress for {still:.0f} s"

    return run_watched(command, fault)


def main() -> int:
    """Watch a worker of this interpreter."""
    parser = argparse.ArgumentParser(prog="python -m worker.watch", description=main.__doc__)
    parser.add_argument("--file", type=Path, required=True, help="the worker's health file")
    own, rest = parser.parse_known_args()
    return watch([sys.executable, "-m", "worker", *rest], own.file)


if __name__ == "__main__":
    sys.exit(main())
