"""Run the tests of the store on each server that this machine has.

Usage: python -m tests.support.servers [PYTEST ARGUMENTS]
"""

import os
import subprocess
import sys

from tests.support.servers.binaries import usable
from tests.support.servers.chosen import SERVER

SUITES = ("tests/shared", "tests/contracts", "tests/api/jobs", "tests/api/batches")


def main() -> int:
    """Run them on one after the other; return 1 where one failed."""
    failed = []
    for binary in usable():
        print(f"--- {binary.name}: {binary.path}", flush=True)
        command = [sys.executable, "-m", "pytest", "-q", *(sys.argv[1:] or SUITES)]
        environ = {**os.environ, SERVER: str(binary.path)}
        if subprocess.run(command, env=environ, check=False).returncode:
            failed.append(binary.name)
    print(f"failed on {', '.join(failed)}" if failed else f"passed on {len(usable())} servers")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
