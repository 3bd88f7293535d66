"""The attempts that this process holds, and what is known of their standing."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from shared.jobs.job import Job
from shared.jobs.status import Standing, stand
from shared.specs.parts import Lane
from worker.execution.batcher import Meeting, Seat


class Attempt:
    """One run of a job, held by this process until it ends."""

    def __init__(self, job: Job, meeting: Meeting | None = None) -> None:
        self.job = job
        self.seat = Seat(meeting)  # where its first call of a model waits for company
        self.started = time.monotonic()
        self._standing: Standing = "ok"

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
        return self._standing == "ok"

    def note(self, standing: Standing) -> None:
        """Remember what the store said; a lost standing is never regained."""
        if self._standing == "ok":
            self._standing = standing

    def check(self) -> None:
        """Raise JobCanceled, DeadlineExceeded or LeaseLost when the attempt must stop."""
        stand(self._standing, self.job.id)


class HeldAttempts:
    """All attempts in progress. Safe for many threads."""

    def __init__(self) -> None:
        self._attempts: dict[tuple[str, int], Attempt] = {}
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, job: Job, meeting: Meeting | None = None) -> Iterator[Attempt]:
        """Keep an attempt's lease alive while the block runs."""
        attempt = Attempt(job, meeting)
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
