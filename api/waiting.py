"""Clients that wait: how many may, and until when."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from flask import current_app

from api.connections import client_left
from api.extensions import WAITS
from api.services import Services
from shared.jobs import Job
from shared.redis_server import MAX_BLOCK_MILLISECONDS

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


def wait_for(
    services: Services, job: Job, settled: Callable[[Job], bool], *, seconds: float, gone: Callable[[], bool]
) -> Job:
    """Return the job once it is settled, or as it is when the time is over or nobody waits any more."""
    deadline = time.monotonic() + seconds
    after = services.queries.last_event_id(job.id)  # before the read: no event in between is missed
    job = services.store.get(job.id, job.owner)
    while not settled(job) and not gone():
        left = deadline - time.monotonic()
        if left < 0.001:
            break
        events = services.queries.events(job.id, after=after, block_seconds=min(LOOK_SECONDS, left))
        if events:
            after = events[-1].id
        if events or job.batch_id:  # an item has no events of its own
            job = services.store.get(job.id, job.owner)
    return job
