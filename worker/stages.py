"""Stages of an attempt: each is timed, reports progress, and notices a job that must stop."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import StoreUnavailable
from shared.job_store import JobStore
from shared.jobs import Progress
from worker.attempts import Attempt

REPORT_EVERY_SECONDS = 0.1  # short jobs end before their first report: nobody would see it
# Where each stage begins on the way from 0 to 1; about its share of a stylization's time.
BEGINS = {"load": 0.0, "preprocess": 0.05, "predict": 0.15, "encode": 0.85, "store": 0.95}


class Stages:
    """The stages of one attempt, entered as context managers in the order of BEGINS."""

    def __init__(self, attempt: Attempt, store: JobStore) -> None:
        self._attempt = attempt
        self._store = store
        self._reported = attempt.started
        self.timings: dict[str, float] = {}  # seconds a stage

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Run one stage; raise JobCanceled or LeaseLost instead of beginning one that nobody wants."""
        self._attempt.check()
        self._report(name)
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - started
            self.timings[name] = self.timings.get(name, 0.0) + spent

    def _report(self, name: str) -> None:
        now = time.monotonic()
        if now - self._reported < REPORT_EVERY_SECONDS:
            return
        self._reported = now
        try:
            self._store.report(*self._attempt.key, Progress(name, BEGINS[name]))
        except StoreUnavailable:
            return  # progress is a courtesy; the moves that count are repeated
