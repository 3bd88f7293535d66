"""Runs `python -m worker` and ends it when it hangs: `python -m worker.watch --file HEALTH ARGUMENTS...`.

For containers: an engine restarts what has ended, and leaves alone what is merely unhealthy.
"""

import argparse
import signal
import subprocess
import sys
from pathlib import Path

from worker.health import EXIT_STUCK, HealthWatch

LOOK_EVERY_SECONDS = 1.0


def watch(command: list[str], health_file: Path) -> int:
    """Run a command until it ends; return its status, or EXIT_STUCK where it stood still and was killed."""
    process = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: process.send_signal(received))
    health = HealthWatch(health_file)
    while True:
        try:
            status = process.wait(LOOK_EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            if (still := health.stale_seconds(process.pid)) is None:
                continue
            sys.stderr.write(f"the worker made no progress for {still:.0f} s; killed\n")
            process.kill()
            process.wait()
            return EXIT_STUCK
        return status if status >= 0 else 128 - status


def main() -> int:
    """Watch a worker of this interpreter."""
    parser = argparse.ArgumentParser(prog="python -m worker.watch", description=main.__doc__)
    parser.add_argument("--file", type=Path, required=True, help="the worker's health file")
    own, rest = parser.parse_known_args()
    return watch([sys.executable, "-m", "worker", *rest], own.file)


if __name__ == "__main__":
    sys.exit(main())
