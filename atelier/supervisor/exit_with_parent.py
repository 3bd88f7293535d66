"""Runs a command that ends when its parent ends, also after SIGKILL. A script: it must start fast.

Called as `exit_with_parent.py PARENT_PID SIGNAL COMMAND...`, it becomes the command. Only Linux ties them;
elsewhere it does nothing else.
"""

import ctypes
import os
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
EXIT_ORPHANED = 70


def tied(command: Sequence[str], number: int) -> list[str]:
    """Return what runs a command that gets a signal when the thread that starts it, or its process, ends."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(number)), *command]


def main() -> None:
    """Ask for the signal at the parent's end, check that it has not come already, then become the command."""
    parent, number, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(EXIT_ORPHANED)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
