"""The attempts that this process holds, and what is known of their leases."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from shared.jobs.job import Job
from shared.jobs.status import LeaseState, ensure_current
from shared.specs.parts import Lane
from worker.execution.batcher import BatchGroup, BatchSlot


class Attempt:
    """One run of a job, held by this process until it ends."""

    def __init__(self, job: Job, group: BatchGroup | None = None) -> None:
        self.job = job
        self.slot = BatchSlot(group)  # where its first call of a model waits for its batch mates
        self.started = time.monotonic()
        self._lease_state: LeaseState = "ok"

    @property
    def key(self) -> tuple[str, int]:
        """The job's id and the attempt's number."""
        return (self.job.id, self.job.attempt)

    @property
    def is_urgent(self) -> bool:
        """Whether somebody is likely to wait for the job."""
        return self.job.lane is Lane.INTERACTIVE

    @property
    def age_seconds(self) -> float:
        """Time since the claim."""
        return time.monotonic() - self.started

    @property
    def is_current(self) -> bool:
        """Whether the result would still be wanted, as far as is known."""
        return self._lease_state == "ok"

    def note(self, state: LeaseState) -> None:
        """Remember what the store said; a lost lease is never regained."""
        if self._lease_state == "ok":
            self._lease_state = state

    def check(self) -> None:
        """Raise JobCanceled, DeadlineExceeded or LeaseLost when the attempt must stop."""
        ensure_current(self._lease_state, self.job.id)


class HeldAttempts:
    """All attempts in progress. Safe for many threads."""

    def __init__(self) -> None:
        self._attempts: dict[tuple[str, int], Attempt] = {}
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, job: Job, group: BatchGroup | None = None) -> Iterator[Attempt]:
        """Keep an attempt's lease alive while the block runs."""
        attempt = Attempt(job, group)
        with self._lock:
            self._attempts[attempt.key] = attempt
        try:
            yield attempt
        finally:
            with self._lock:
                self._attempts.pop(attempt.key, None)

    def all(self) -> list[Attempt]:
        """Return the attempts in progress."""
        with self._lock:
            return list(self._attempts.values())
