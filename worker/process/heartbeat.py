"""The heartbeat: one thread keeps all leases of this process, announces it, and ends it when it is stuck."""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from shared.errors import AtelierError, OutOfDisk, StoreUnavailable, TimeLimitExceeded
from shared.jobs.status import LeaseLost
from shared.jobs.store import JobStore
from shared.specs.parts import Lane
from shared.watched_process import EXIT_STUCK
from shared.workers import LoadedModel, Worker, WorkerRoster
from worker.execution.attempt import Attempt, AttemptsInFlight
from worker.execution.attempt_span import end_early
from worker.health import WorkerHealth, end_stuck_process

log = logging.getLogger("atelier.worker")

STALL_SECONDS = 15.0  # doorbells wait, slots are free, and none arrives for this long: nothing is consumed
ANNOUNCE_SECONDS = 4.0


class Heartbeat:
    """Beats every third of a lease: one call for all attempts held."""

    def __init__(
        self,
        store: JobStore,
        held: AttemptsInFlight,
        *,
        on_beat: Callable[[], None],
        on_away: Callable[[str], None],
        on_stuck: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._held = held
        self._on_beat = on_beat
        self._on_away = on_away
        self._on_stuck = on_stuck  # called before the process ends
        self._period = store.rules.lease_seconds / 3
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def _run(self) -> None:
        while True:
            started = time.monotonic()
            try:
                self.beat()
                self._on_beat()
            except AtelierError as error:
                self._on_away(error.whole)
                log.warning("heartbeat failed", extra={"code": error.code, "detail": error.whole})
            time.sleep(max(0.05, self._period - (time.monotonic() - started)))

    def beat(self) -> None:
        """Prolong the leases and learn which attempts must stop."""
        attempts = self._held.all()
        if not attempts:
            return
        states = self._store.beat([attempt.key for attempt in attempts])
        for attempt, state in zip(attempts, states, strict=True):
            attempt.note(state)
        self._watch(attempts)

    def _watch(self, attempts: list[Attempt]) -> None:
        """A thread cannot be killed: end the process when a job runs past the hard limit."""
        limit = self._store.rules.hard_limit_seconds
        late = [attempt for attempt in attempts if attempt.age_seconds > limit]
        if not late:
            return
        for attempt in late:
            attempt.span.fail(TimeLimitExceeded.code)
            self._fail(attempt, limit)
        release_all(self._store, [attempt for attempt in attempts if attempt not in late])
        log.error("a job is stuck; ending this process", extra={"jobs": [a.job.id for a in late]})
        end_early(attempts, "stuck")
        self._on_stuck()
        os._exit(EXIT_STUCK)

    def _fail(self, attempt: Attempt, limit: float) -> None:
        try:
            self._store.fail(*attempt.key, TimeLimitExceeded(f"an attempt may run {limit:g} s at most"))
        except LeaseLost:
            log.info("stuck attempt was not current", extra={"job_id": attempt.job.id})


class Liveness(WorkerHealth):
    """The health of a worker that runs models; a healthy one is kept on the roster."""

    def __init__(
        self,
        worker: Worker,
        roster: WorkerRoster,
        health_file: Path,
        *,
        models: Callable[[], tuple[LoadedModel, ...]],
        available: Callable[[], tuple[str, ...]],
        has_room: Callable[[], bool] = lambda: True,
        obstacle: Callable[[], AtelierError | None] = lambda: None,
        versions: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self._worker = worker
        self._roster = roster
        self._loaded = models
        self._available = available
        self._versions = versions
        self._has_room = has_room
        self._obstacle = obstacle  # what the storage answered, where the worker claims nothing for it
        self._latest = worker  # as it was last announced
        self._announced = 0.0
        self._waiting_since: float | None = None
        super().__init__(health_file, "the worker is loading its models")

    def know_numerics(self, numerics: str) -> None:
        """Note what is known once TensorFlow runs, before the worker is announced."""
        self._worker = replace(self._worker, numerics=numerics)

    @property
    def numerics(self) -> str:
        """What the worker computes with; "" before TensorFlow runs."""
        return self._worker.numerics

    def _model_names(self) -> list[str]:
        return [model.name for model in self._loaded()]

    def end(self, reason: str = "the worker is draining") -> None:
        """Note that the worker stops, and take it off the roster."""
        super().end(reason)
        with suppress(StoreUnavailable):  # it is soon forgotten anyway
            self._roster.withdraw(self._worker.id)

    def progress(self, loop_silence: float = 0.0) -> None:
        """Note that the worker beats, and announce it while it can work."""
        super().progress(loop_silence)
        if self.can_work:
            self._announce()

    def _announce(self) -> None:
        """Announce what the worker has: often enough to stay on the roster, and at once after a change."""
        now, obstacle = time.monotonic(), self._obstacle()
        worker = replace(
            self._worker,
            models=self._loaded(),
            available=self._available(),
            versions=self._versions(),
            has_room=self._has_room() and not isinstance(obstacle, OutOfDisk),
            reaches_storage=obstacle is None or isinstance(obstacle, OutOfDisk),
        )
        if worker != self._latest or now - self._announced > ANNOUNCE_SECONDS:
            self._announced, self._latest = now, worker
            self._roster.announce(worker)

    def check_consuming(self, *, doorbells_wait: bool, is_idle: bool, last_doorbell: float) -> None:
        """End the process when doorbells wait, slots are free, and none has been handled for long."""
        now = time.monotonic()
        if not (self.is_ready and doorbells_wait and is_idle):
            self._waiting_since = None
            return
        self._waiting_since = max(self._waiting_since or now, last_doorbell)
        if now - self._waiting_since > STALL_SECONDS:
            end_stuck_process("doorbells wait and none arrives; ending this process")


def release_all(store: JobStore, attempts: list[Attempt]) -> list[tuple[str, Lane]]:
    """Give attempts back uncounted; return what is to be rung, so that other workers start it at once."""
    released = [attempt.job for attempt in attempts if _release(store, attempt)]
    return [(job.id, job.lane) for job in released]


def _release(store: JobStore, attempt: Attempt) -> bool:
    try:
        state = store.release(*attempt.key)
    except AtelierError as error:
        log.warning("release failed", extra={"job_id": attempt.job.id, "detail": error.whole})
        return False
    log.info("attempt released", extra={"job_id": attempt.job.id, "lease_state": state})
    return state == "ok"
