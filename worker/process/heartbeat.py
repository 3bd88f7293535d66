"""The heartbeat: one thread keeps all leases of this process, announces it, and ends it when it is stuck."""

import logging
import os
import threading
import time
from collections.abc import Callable

from shared.errors import AtelierError, LeaseLost, TimeLimitExceeded
from shared.jobs.store import JobStore
from shared.specs.parts import Lane
from worker.execution.attempt import Attempt, HeldAttempts

log = logging.getLogger("atelier.worker")

EXIT_STUCK = 70  # EX_SOFTWARE: the supervisor starts a fresh process


class Heartbeat:
    """Beats every third of a lease: one call for all attempts held."""

    def __init__(
        self,
        store: JobStore,
        held: HeldAttempts,
        *,
        on_beat: Callable[[], None],
        on_away: Callable[[str], None],
    ) -> None:
        self._store = store
        self._held = held
        self._on_beat = on_beat
        self._on_away = on_away
        self._period = store.rules.lease_seconds / 3
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def _run(self) -> None:
        while True:
            started = time.monotonic()
            try:
                self.beat()
                self._on_beat()
            except AtelierError as error:
                self._on_away(error.detail)
                log.warning("heartbeat failed", extra={"code": error.code, "detail": error.detail})
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
            self._fail(attempt, limit)
        release_all(self._store, [attempt for attempt in attempts if attempt not in late])
        log.error("a job is stuck; ending this process", extra={"jobs": [a.job.id for a in late]})
        os._exit(EXIT_STUCK)

    def _fail(self, attempt: Attempt, limit: float) -> None:
        try:
            self._store.fail(*attempt.key, TimeLimitExceeded(f"an attempt may run {limit:g} s at most"))
        except LeaseLost:
            log.info("stuck attempt was not current", extra={"job_id": attempt.job.id})


def release_all(store: JobStore, attempts: list[Attempt]) -> list[tuple[str, Lane]]:
    """Give attempts back uncounted; return what is to be rung, so that other workers start it at once."""
    released = [attempt.job for attempt in attempts if _release(store, attempt)]
    return [(job.id, job.lane) for job in released]


def _release(store: JobStore, attempt: Attempt) -> bool:
    try:
        state = store.release(*attempt.key)
    except AtelierError as error:
        log.warning("release failed", extra={"job_id": attempt.job.id, "detail": error.detail})
        return False
    log.info("attempt released", extra={"job_id": attempt.job.id, "lease_state": state})
    return state == "ok"
