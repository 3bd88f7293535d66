"""The server on which all tests run: the one of the package, or what ATELIER_TEST_SERVER names."""

import os
from pathlib import Path

from atelier.local import redis_server

VARIABLE = "ATELIER_TEST_SERVER"


def choose() -> None:
    """Have embedded servers of this process be the chosen one."""
    if path := os.environ.get(VARIABLE):
        redis_server.get_binary_path = lambda: Path(path)
