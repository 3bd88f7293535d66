"""A worker's health, kept in a file: it judges by progress, not by being alive. Run as a command to ask."""

import argparse
import sys
from pathlib import Path

from shared.workers.health import judge


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
