"""Runs a process and ends it when it hangs: an engine of containers restarts what has ended."""

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

LOOK_EVERY_SECONDS = 1.0
EXIT_STUCK = 70  # EX_SOFTWARE


def run_watched(command: Sequence[str], fault_of: Callable[[int], str]) -> int:
    """Run a command until it ends, and return its status; EXIT_STUCK where it was killed for its fault.

    `fault_of` takes its process id and returns why it must be ended, "" while it need not.
    """
    process = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: process.send_signal(received))
    while True:
        try:
            status = process.wait(LOOK_EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            if not (fault := fault_of(process.pid)):
                continue
            sys.stderr.write(f"{fault}; killed\n")
            process.kill()
            process.wait()
            return EXIT_STUCK
        return status if status >= 0 else 128 - status
