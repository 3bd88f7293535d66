"""Celery's consumer as this worker needs it: it comes back at once, shows its pulse, and lets go in order."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer
from kombu.common import ignore_errors

from shared.queue.celery_app import RUN_JOB
from shared.specs.parts import Lane
from worker.process.tasks import lane_named

# Celery's own pauses grow to 30 seconds, so that a server that was away for a while would find no worker.
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 1.0


class Pulse:
    """When the consume loop last turned."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def beat(self) -> None:
        """Note that the loop turns, or tries to reach the server."""
        self._last = time.monotonic()

    @property
    def silence_seconds(self) -> float:
        """How long the loop has stood still."""
        return time.monotonic() - self._last


class Doorbells:
    """The doorbells that were taken from the server, and not answered yet. Safe for many threads."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._waiting: dict[str, tuple[str, Lane]] = {}  # for a thread, by the message's id
        self._answering: set[str] = set()
        self._lock = threading.Lock()
        self.on_room: Callable[[], None] = lambda: None  # called from any thread when a slot is free again

    def note(self, request: Any) -> None:
        """Remember a request that was just received."""
        if request.name == RUN_JOB:
            with self._lock:
                self._waiting[request.id] = (request.args[0], lane_named(request.delivery_info))

    @contextmanager
    def answering(self, message_id: str) -> Iterator[None]:
        """Take up a slot while a thread answers."""
        with self._lock:
            self._waiting.pop(message_id, None)
            self._answering.add(message_id)
        try:
            yield
        finally:
            with self._lock:
                self._answering.discard(message_id)
            self.on_room()

    def have_room(self) -> bool:
        """Whether one more would be answered at once. If not, it is better left to another worker."""
        with self._lock:
            return len(self._waiting) + len(self._answering) < self._slots

    def take_waiting(self) -> list[tuple[str, Lane]]:
        """Forget those that wait for a thread; return the job and the lane of each."""
        with self._lock:
            rings, self._waiting = list(self._waiting.values()), {}
        return rings


class WorkerConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
    """What Celery starts in place of its own. It relies on insides of Celery and kombu 5.7."""

    def __init__(self, *args: Any, pulse: Pulse, doorbells: Doorbells, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pulse = pulse
        self._doorbells = doorbells
        self.on_task_message.add(doorbells.note)

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, trying again about every second for as long as it takes."""
        conn.ensure_connection = partial(self._connect, conn.ensure_connection)
        return super().ensure_connected(conn)

    def _connect(
        self, connect: Callable[..., Any], errback: Any, retries: Any, callback: Callable[[], None]
    ) -> Any:
        def turn() -> None:
            self._pulse.beat()
            callback()

        return connect(
            errback,
            retries,
            interval_start=FIRST_PAUSE_SECONDS,
            interval_step=FIRST_PAUSE_SECONDS,
            interval_max=LONGEST_PAUSE_SECONDS,
            callback=turn,
        )

    def register_with_event_loop(self, hub: Any) -> None:
        """Have the loop's every turn noted, and doorbells taken only while there is room."""
        super().register_with_event_loop(hub)
        hub.on_tick.add(self._pulse.beat)
        credit = self.task_consumer.channel.qos
        has_credit = credit.can_consume
        credit.can_consume = lambda: self._doorbells.have_room() and has_credit()
        self._doorbells.on_room = partial(hub.call_soon, _turn)  # wakes the loop

    def stop(self) -> None:
        """Receive nothing more, and put back what the server may have handed out meanwhile."""
        super().stop()
        if self.task_consumer is not None:
            # A read that waits at the server may still take a doorbell. Closing awaits it and puts it back.
            ignore_errors(self, self.task_consumer.channel.close)


def _turn() -> None:
    """Do nothing: the loop turns once more."""
