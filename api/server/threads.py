"""How requests share the threads of one process: clients that wait, long work that gives way to others."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from flask import current_app

from api.server.connections import WAITS, client_left
from shared.redis.client import MAX_BLOCK_MILLISECONDS

LOOK_SECONDS = MAX_BLOCK_MILLISECONDS / 1000  # how often a waiting thread looks whether it should go on
WORK_SECONDS = 0.001
REST_SECONDS = 0.0002


class Waits:
    """Places for waiting clients. Each holds a thread, so some threads are kept for those who do not wait."""

    def __init__(self, threads: int) -> None:
        self._places = threading.BoundedSemaphore(max(1, threads * 3 // 4))
        self.stopping: Callable[[], bool] = lambda: False  # set by the server: is this process to end?

    def gone(self, environ: Mapping[str, Any]) -> bool:
        """Whether a wait is to end early: this process stops, or the client left."""
        return self.stopping() or client_left(environ)

    def take(self) -> bool:
        """Take a place; False where none is free."""
        return self._places.acquire(blocking=False)

    def leave(self) -> None:
        """Give a place back."""
        self._places.release()

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Hold a place for a block of code; yields whether there was one."""
        taken = self.take()
        try:
            yield taken
        finally:
            if taken:
                self.leave()


def waits() -> Waits:
    """Return the places of the application that serves this request."""
    return cast(Waits, current_app.extensions[WAITS])


class ThreadYielder:
    """Lets other threads run every millisecond.

    Python hands over by itself, but later, and at each of the many short waits that a request has.
    """

    def __init__(self) -> None:
        self._since = time.perf_counter()

    def __call__(self) -> None:
        """Rest if it is time; call it after every small step."""
        if time.perf_counter() - self._since > WORK_SECONDS:
            time.sleep(REST_SECONDS)
            self._since = time.perf_counter()
