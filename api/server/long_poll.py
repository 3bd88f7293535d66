"""Clients that wait: how many may, and until when."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from flask import current_app

from api.extensions import WAITS
from api.server.connections import client_left
from shared.redis.client import MAX_BLOCK_MILLISECONDS

LOOK_SECONDS = MAX_BLOCK_MILLISECONDS / 1000  # how often a waiting thread looks whether it should go on


class Waits:
    """Seats for waiting clients. Each holds a thread, so some threads are kept for those who do not wait."""

    def __init__(self, threads: int) -> None:
        self._seats = threading.BoundedSemaphore(max(1, threads * 3 // 4))
        self.stopping: Callable[[], bool] = lambda: False  # set by the server: is this process to end?

    def gone(self, environ: Mapping[str, Any]) -> bool:
        """Whether a wait is to end early: this process stops, or the client left."""
        return self.stopping() or client_left(environ)

    def take(self) -> bool:
        """Take a seat; False where none is free."""
        return self._seats.acquire(blocking=False)

    def leave(self) -> None:
        """Give a seat back."""
        self._seats.release()

    @contextmanager
    def seat(self) -> Iterator[bool]:
        """Hold a seat for a block of code; yields whether there was one."""
        taken = self.take()
        try:
            yield taken
        finally:
            if taken:
                self.leave()


def waits() -> Waits:
    """Return the seats of the application that serves this request."""
    return cast(Waits, current_app.extensions[WAITS])
