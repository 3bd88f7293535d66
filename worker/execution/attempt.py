"""The attempts that this process runs: what is known of their leases, and their stages."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate

from shared.errors import StoreUnavailable, TimeLimitExceeded
from shared.jobs.job import Job, Progress
from shared.jobs.status import LeaseState, ensure_current
from shared.jobs.store import JobStore
from shared.specs.base import ENLARGE, JobSpec
from shared.specs.parts import EXACT, Lane, Precision
from shared.specs.stylize import UPSAMPLE
from shared.tracing.spans import NO_SPAN, Span, current_span
from worker.execution.batcher import BatchGroup, BatchSlot

REPORT_EVERY_SECONDS = 0.1  # short jobs end before their first report: no client would see it
# For which an attempt reports nothing: one of many is watched by nobody, and each report costs the API time.
QUIET_SECONDS = {Lane.INTERACTIVE: 0.0, Lane.BULK: 1.0}
# Parts of the way that a job's stages take, in their order: about those of their times.
_PARTS = {
    "load": 5,
    "preprocess": 10,
    "predict": 70,
    "upsample": 230,
    "enlarge": 230,
    "encode": 10,
    "store": 5,
}
_SHARE_OF_LIMIT = 0.95  # of the hard limit; the rest is for the stages that follow


def begins_of(spec: JobSpec) -> dict[str, float]:
    """Return where each stage of a job begins on the way from 0 to 1."""
    further = {"upsample": UPSAMPLE in spec.further_models, "enlarge": ENLARGE in spec.further_models}
    parts = {name: part for name, part in _PARTS.items() if further.get(name, True)}
    begins = accumulate(parts.values(), initial=0)
    return {name: round(begin / sum(parts.values()), 4) for name, begin in zip(parts, begins, strict=False)}


class Attempt:
    """One run of a job in this process, until it ends."""

    def __init__(self, job: Job, group: BatchGroup | None = None, span: Span = NO_SPAN) -> None:
        self.job = job
        self.span = span
        self.is_in_group = group is not None
        self.slot = BatchSlot(group)  # where its first call of a model waits for its batch mates
        self.started = self.progressed = time.monotonic()  # when it began; when a stage or step last began
        self.has_stored = False  # or may have: an object of its own
        self._lease_state: LeaseState = "ok"

    @property
    def key(self) -> tuple[str, int]:
        """The job's id and the attempt's number."""
        return (self.job.id, self.job.attempt)

    @property
    def is_urgent(self) -> bool:
        """Whether a client is likely to wait for the job."""
        return self.job.lane is Lane.INTERACTIVE

    @property
    def age_seconds(self) -> float:
        """Time since the claim."""
        return time.monotonic() - self.started

    @property
    def silence_seconds(self) -> float:
        """Time since a stage or a step of one began."""
        return time.monotonic() - self.progressed

    @property
    def is_current(self) -> bool:
        """Whether the result would still be wanted, as far as is known."""
        return self._lease_state == "ok"

    def note(self, state: LeaseState) -> None:
        """Keep the lease's state as the store reports it; a lost lease is never regained."""
        if self._lease_state == "ok":
            self._lease_state = state

    def check(self) -> None:
        """Raise JobCanceled, DeadlineExceeded or LeaseLost when the attempt must stop."""
        ensure_current(self._lease_state, self.job.id)


class AttemptsInFlight:
    """All attempts in progress. Safe for many threads."""

    def __init__(self) -> None:
        self._attempts: dict[tuple[str, int], Attempt] = {}
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, job: Job, group: BatchGroup | None = None, span: Span = NO_SPAN) -> Iterator[Attempt]:
        """Keep an attempt's lease alive while the block runs."""
        attempt = Attempt(job, group, span)
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


class Stages:
    """The stages of one attempt, entered as context managers in the order of `begins_of`."""

    def __init__(self, attempt: Attempt, store: JobStore) -> None:
        self.attempt = attempt
        self._stage = "load"
        self._begins = begins_of(attempt.job.spec)
        self._ends = dict(zip(self._begins, [*list(self._begins.values())[1:], 1.0], strict=True))
        self._store = store
        self._reported = attempt.started + QUIET_SECONDS[attempt.job.lane]
        self.timings: dict[str, float] = {}  # seconds a stage
        self.warnings: list[str] = []  # codes of what to know of the result, each once
        self.precision: Precision = EXACT  # with which the result is made

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Run one stage; raise JobCanceled or LeaseLost in place of a stage whose result is not wanted."""
        self._stage = name
        self.attempt.has_stored |= name == "store"
        self.attempt.check()
        self._report(Progress(name, self._begins[name]))
        started = time.perf_counter()
        try:
            with current_span().child(name).running():
                yield
        finally:
            spent = time.perf_counter() - started
            self.timings[name] = self.timings.get(name, 0.0) + spent

    def warn(self, code: str) -> None:
        """Note what is to be known of the result."""
        if code not in self.warnings:
            self.warnings.append(code)

    def advance(self, step: int, total: int, preview: str | None = None) -> None:
        """Note that `step` of `total` steps of a stage are done; raise JobCanceled or LeaseLost to end it.

        `preview` is the key of a stored picture of the work so far, and is reported at once. Raises
        TimeLimitExceeded a little before the limit at which the whole process would be ended.
        """
        self.attempt.check()
        self._check_time(step, total)
        begin, end = self._begins[self._stage], self._ends[self._stage]
        fraction = round(begin + (end - begin) * step / total, 4)
        self._report(Progress(self._stage, fraction, step, total, preview), now=preview is not None)

    def _check_time(self, step: int, total: int) -> None:
        limit = self._store.rules.hard_limit_seconds
        if self.attempt.age_seconds > limit * _SHARE_OF_LIMIT:
            text = f"an attempt may run {limit:g} s at most, and {step} of {total} steps are done"
            raise TimeLimitExceeded(f"{text}: ask for fewer steps, or for a smaller size")

    def _report(self, progress: Progress, *, now: bool = False) -> None:
        self.attempt.progressed = now_at = time.monotonic()
        if not now and now_at - self._reported < REPORT_EVERY_SECONDS:
            return
        self._reported = now_at
        try:
            self._store.report(*self.attempt.key, progress)
        except StoreUnavailable:
            return  # progress may be lost; the moves that count are repeated
