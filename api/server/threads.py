"""Shares the threads of one process between requests: waiter slots, and long work that yields."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from flask import current_app

from api.server.connections import WAITS, client_left
from shared.redis.client import MAX_BLOCK_MILLISECONDS

LOOK_SECONDS = MAX_BLOCK_MILLISECONDS / 1000  # how often a waiting thread checks whether it should continue
WORK_SECONDS = 0.001
REST_SECONDS = 0.0002


class Waits:
    """Waiter slots: how many clients may listen, wait or download at once."""

    def __init__(self, slots: int) -> None:
        self._slots = threading.BoundedSemaphore(slots)
        self.stopping: Callable[[], bool] = lambda: False  # set by the server: is this process stopping?

    def gone(self, environ: Mapping[str, Any]) -> bool:
        """Whether a wait must end early: this process is stopping, or the client disconnected."""
        return self.stopping() or client_left(environ)

    def take(self) -> bool:
        """Take a slot; return False if none is free."""
        return self._slots.acquire(blocking=False)

    def leave(self) -> None:
        """Release a slot."""
        self._slots.release()

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Occupy a slot during a block of code; yield whether one was free."""
        taken = self.take()
        try:
            yield taken
        finally:
            if taken:
                self.leave()


def waits() -> Waits:
    """Return the waiter slots of the application that handles this request."""
    return cast(Waits, current_app.extensions[WAITS])


class ThreadYielder:
    """Lets other threads run every millisecond.

    Python also switches threads by itself, but later, and at each of a request's many short waits.
    """

    def __init__(self) -> None:
        self._since = time.perf_counter()

    def __call__(self) -> None:
        """Sleep briefly if a millisecond has passed; call this after every small step."""
        if time.perf_counter() - self._since > WORK_SECONDS:
            time.sleep(REST_SECONDS)
            self._since = time.perf_counter()
