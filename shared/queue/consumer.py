"""Celery's consumer, for workers: it reconnects within a second, records each loop turn, and stops cleanly.

`celery_app.py` sets what Celery's options can do. The rest is here, and relies on internals of Celery and
kombu 5.7; `tests/shared/queue/test_celery_insides.py` fails if an upgrade breaks one of them:

- `Consumer.ensure_connected(conn)` calls `conn.ensure_connection(errback, retries, callback=...)`, which also
  takes `interval_start`, `interval_step` and `interval_max`. The callback is called at least once a second.
- `Consumer.register_with_event_loop(hub)` is called for each connection, `hub.on_tick` at each turn.
- At each turn without a read that waits at the server, `task_consumer.channel._brpop_start()` begins one.
- `Consumer.stop()` leaves `task_consumer.channel` open, with a read that waits at the server. Closing the
  channel awaits the read, and puts back a message that has no consumer any more.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer
from kombu.common import ignore_errors

# Celery's own pauses grow to 30 seconds: a server that was away for a while would find no worker.
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 1.0


class Pulse:
    """The time of the last turn of the consume loop."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def beat(self) -> None:
        """Record that the loop turns, or tries to reach the server."""
        self._last = time.monotonic()

    @property
    def silence_seconds(self) -> float:
        """The seconds since the last turn."""
        return time.monotonic() - self._last


class Intake:
    """Whether messages are taken. While it is closed they stay at the server, for other workers."""

    def __init__(self) -> None:
        self._is_open = True

    @property
    def is_open(self) -> bool:
        """Whether messages are taken."""
        return self._is_open

    def set_open(self, is_open: bool) -> None:
        """Take messages, or none: from the next turn of the consume loop on, which is within a second."""
        self._is_open = is_open


class WorkerConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
    """Replaces Celery's own consumer through the setting `worker_consumer`."""

    def __init__(self, *args: Any, pulse: Pulse, intake: Intake | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pulse = pulse
        self._intake = intake or Intake()

    def ensure_connected(self, conn: Any) -> Any:
        """Connect; retry about every second until this succeeds."""
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
        """Record every turn of the loop, and take messages only while the intake is open."""
        super().register_with_event_loop(hub)
        hub.on_tick.add(self._pulse.beat)
        channel = self.task_consumer.channel
        channel._brpop_start = partial(self._start_read, channel._brpop_start)

    def _start_read(self, start: Callable[..., Any], *args: Any, **options: Any) -> None:
        """Let a read wait at the server for a message; one that waits already still brings its message."""
        if self._intake.is_open:
            start(*args, **options)

    def stop(self) -> None:
        """Stop receiving, and put back a message that the server may have sent in the meantime."""
        super().stop()
        if self.task_consumer is not None:
            # A read that waits at the server may still take a doorbell. Closing awaits it and puts it back;
            # Celery does so only when all tasks have ended.
            ignore_errors(self, self.task_consumer.channel.close)
