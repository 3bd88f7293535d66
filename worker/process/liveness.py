"""Tells a worker that consumes from one that silently stopped; keeps the health file and the roster."""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from shared.errors import StoreUnavailable
from shared.workers.health import Health, write_health
from shared.workers.roster import LoadedModel, Worker, WorkerRoster
from worker.process.heartbeat import EXIT_STUCK

log = logging.getLogger("atelier.worker")

STALL_SECONDS = 15.0  # rings wait, slots are free, and nothing arrives for this long: nothing is consumed
SILENCE_SECONDS = 10.0  # the consume loop did not turn for this long: the worker is not ready ...
STUCK_SECONDS = 20.0  # ... and for this long: it will not turn again
ANNOUNCE_SECONDS = 4.0


class Liveness:
    """Called at every heartbeat, and when the worker begins to consume and stops."""

    def __init__(
        self,
        worker: Worker,
        roster: WorkerRoster,
        health_file: Path,
        *,
        models: Callable[[], tuple[LoadedModel, ...]],
        available: Callable[[], tuple[str, ...]],
    ) -> None:
        self._worker = worker
        self._roster = roster
        self._file = health_file
        self._models = models
        self._available = available
        self._said = worker  # as it was last announced
        self._reason = "the worker is loading its models"
        self._away = ""
        self._announced = 0.0
        self._waiting_since: float | None = None
        self._write()

    def begin(self) -> None:
        """The models are warm and messages are consumed: tell everybody."""
        self._reason = ""
        self.progress()

    def end(self) -> None:
        """The worker stops: take no more part."""
        self._reason = "the worker is draining"
        self._write()
        with suppress(StoreUnavailable):  # it is soon forgotten anyway
            self._roster.withdraw(self._worker.id)

    @property
    def _is_ready(self) -> bool:
        return not self._reason

    def away(self, reason: str) -> None:
        """Note that the store cannot be reached: not ready, and not stuck either."""
        self._away = reason
        self._write()

    def progress(self, loop_silence: float = 0.0) -> None:
        """Note that the worker beats, and for how many seconds its consume loop has not turned."""
        self._away = _verdict(loop_silence)
        self._write()
        if self._is_ready and not self._away:
            self._announce()

    def _announce(self) -> None:
        """Say what the worker has: often enough to stay on the roster, and at once when it has changed."""
        now = time.monotonic()
        worker = replace(self._worker, models=self._models(), available=self._available())
        if worker != self._said or now - self._announced > ANNOUNCE_SECONDS:
            self._announced, self._said = now, worker
            self._roster.announce(worker)

    def check_consuming(self, *, rings_wait: bool, is_idle: bool, last_ring: float) -> None:
        """End the process when doorbells wait, slots are free, and none has been answered for long."""
        now = time.monotonic()
        if not (self._is_ready and rings_wait and is_idle):
            self._waiting_since = None
            return
        self._waiting_since = max(self._waiting_since or now, last_ring)
        if now - self._waiting_since > STALL_SECONDS:
            log.error("doorbells wait and none arrives; ending this process")
            os._exit(EXIT_STUCK)

    def check_turning(self, loop_silence: float) -> None:
        """End the process when its consume loop has not turned for long."""
        if self._is_ready and loop_silence > STUCK_SECONDS:
            log.error("the consume loop stands still; ending this process")
            os._exit(EXIT_STUCK)

    def _write(self) -> None:
        names = tuple(model.name for model in self._models())
        write_health(self._file, Health.of_this_process(self._reason or self._away, names))


def _verdict(loop_silence: float) -> str:
    if loop_silence <= SILENCE_SECONDS:
        return ""
    return f"the consume loop has not turned for {loop_silence:.0f} s"
