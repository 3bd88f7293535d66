"""One job from doorbell to outcome: claims it, runs the pipeline, maps every way it can end to a move."""

import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from shared.errors import (
    AtelierError,
    ModelCorrupt,
    ModelUnavailable,
    ObjectDamaged,
    OutOfDisk,
    StorageUnavailable,
    StoreUnavailable,
    UnknownModel,
)
from shared.jobs.job import Job
from shared.jobs.status import LeaseLost, ensure_current
from shared.jobs.store import JobStore, NextClaim, WorkerCordoned, new_token
from shared.logs import log_context
from shared.queue.job_queue import JobQueue
from shared.specs.parts import Lane
from shared.storage.base import attempt_prefix
from shared.tracing.spans import NO_TRACING, Tracing, current_span
from worker.execution.attempt import Attempt, AttemptsInFlight, Stages
from worker.execution.attempt_span import about, begin_attempt
from worker.execution.batcher import BatchGroup
from worker.execution.resources import Resources
from worker.execution.storage_gate import StorageGate
from worker.metrics import Observer
from worker.models.loading import Model
from worker.pipeline import Made, process

log = logging.getLogger("atelier.worker")

MOST_TOGETHER = 16  # light items of one batch that one thread claims at once: a micro-batch of the generator
# Threads for them: members of a batch group wait for each other, so all members of all groups must have one.
GROUP_THREADS = 64 * MOST_TOGETHER
FULL_PAUSE_SECONDS = 2.0  # before the next try of a job for which this worker has no room or no model
# A claim takes no job whose model this worker lacks: the files went, or turned out damaged, since it looked.
LACKS_MODEL = (ModelUnavailable, ModelCorrupt, UnknownModel)
PERSIST_SECONDS = 60.0  # an outcome is offered to a store that is away for this long

# Makes an attempt's final move; returns the next jobs, if it claimed any in the same round trip.
Outcome = Callable[[], list[Job] | None]


class Models(Protocol):
    """Where the runner gets its models."""

    def get(self, name: str) -> Model:
        """Return a warm model, by name."""

    def runnable(self) -> Collection[str] | None:
        """Return the names of those that are loaded or can be; None for any."""


class JobRunner:
    """What the Celery task calls."""

    def __init__(
        self,
        worker_id: str,
        store: JobStore,
        queue: JobQueue,
        *,
        models: Models,
        lanes: Sequence[Lane] = tuple(Lane),
        resources: Resources,
        held: AttemptsInFlight,
        has_room: Callable[[], bool] = lambda: True,
        storage: StorageGate | None = None,
        on_cordon: Callable[[], None] = lambda: None,
        observer: Observer | None = None,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self._worker_id = worker_id
        self._store = store
        self._queue = queue
        self._models = models
        self._lanes = lanes
        self._resources = resources
        self._held = held
        self._group_threads = ThreadPoolExecutor(GROUP_THREADS, thread_name_prefix="light")
        self._has_room = has_room
        self._storage = storage or StorageGate(resources.objects)
        self._tracing = tracing
        self._on_cordon = on_cordon  # called before a doorbell is put back that came to a cordoned worker
        self._observer = observer or Observer()
        self._draining = threading.Event()
        self.last_doorbell = time.monotonic()  # when a doorbell last reached this process

    def drain(self) -> None:
        """Claim nothing from now on."""
        self._draining.set()

    def handle(self, job_id: str, lane: Lane) -> None:
        """Handle a doorbell: run jobs by turn until none waits. Never raises for what a job may cause."""
        self.last_doorbell = time.monotonic()
        try:
            jobs = self._claim(job_id, lane)
            while jobs:
                for job in jobs:
                    self._observer.claimed(job)
                following = self._run_together(jobs)
                jobs = self._claim(job_id, lane) if following is None else following
        except StoreUnavailable as error:
            # Nothing is lost: what waits stays queued, and the reaper sends another doorbell.
            log.warning("claim failed", extra={"job_id": job_id, "detail": error.whole})

    def _claim(self, job_id: str, lane: Lane) -> list[Job]:
        if self._draining.is_set():
            self._queue.notify(job_id, lane)  # for a worker that stays
            return []
        if not self._has_room():
            log.warning("the disk is full; jobs wait", extra={"job_id": job_id})
            return []  # they stay queued, and the reaper sends another doorbell
        if not self._storage.is_open():
            log.warning("the storage does not answer; jobs wait", extra={"job_id": job_id})
            return []  # likewise
        try:
            return self._claim_next()
        except WorkerCordoned:
            # Closed first, so that this worker does not take the doorbell again and again.
            self._on_cordon()
            self._queue.notify(job_id, lane)
            return []

    def _claim_next(self) -> list[Job]:
        """Start the next jobs, and ask again while the store is away: it may have started some."""
        token, deadline = new_token(), time.monotonic() + self._store.rules.lease_seconds
        while True:
            try:
                return self._store.claim_next(
                    self._worker_id,
                    most=MOST_TOGETHER,
                    models=self._models.runnable(),
                    lanes=self._lanes,
                    token=token,
                )
            except StoreUnavailable:
                if self._draining.is_set() or time.monotonic() >= deadline:
                    raise
                time.sleep(0.2)

    def _run_together(self, jobs: list[Job]) -> list[Job] | None:
        """Run jobs, light ones side by side: one call of the network draws them all.

        Returns the next jobs, if they were claimed already.
        """
        if len(jobs) == 1:
            return self._run(jobs[0])
        group = BatchGroup(len(jobs))
        list(self._group_threads.map(lambda job: self._run(job, group), jobs))
        return None

    def _run(self, job: Job, group: BatchGroup | None = None) -> list[Job] | None:
        span = begin_attempt(self._tracing, job)
        with span.running(), log_context(**about(job, span)), self._held.hold(job, group, span) as attempt:
            stages = Stages(attempt, self._store)
            try:
                outcome = self._attempt(attempt, stages)
            except LeaseLost as error:
                self._drop(job, error)
                return None
            except AtelierError as error:
                outcome = self._failure(attempt, error)
            except Exception as error:  # a job must end in a terminal status whatever it meets
                log.exception("job met a fault of the program", extra={"job_id": job.id})
                outcome = self._failure(attempt, AtelierError(inside=type(error).__name__))
            finally:
                self._resources.batcher.leave(attempt.slot)
            return self._conclude(attempt, outcome)

    def _attempt(self, attempt: Attempt, stages: Stages) -> Outcome:
        spec = attempt.job.spec
        try:
            model = self._models.get(spec.model or "")
            further = {pointer: self._models.get(name) for pointer, name in spec.further_models.items()}
        except LACKS_MODEL as error:
            return partial(self._give_back, attempt, error, "the model cannot be loaded; the job waits")
        made = process(attempt, model, self._resources, stages, further)
        then = self._next_claim(attempt)  # once: an outcome that is told again has to ask for the same jobs
        return lambda: self._succeed(attempt, made, stages.timings, model, then)

    def _succeed(
        self,
        attempt: Attempt,
        made: Made,
        timings: dict[str, float],
        model: Model,
        then: NextClaim | None,
    ) -> list[Job] | None:
        identity = (model.card.version, model.digest)
        jobs = self._store.succeed(
            *attempt.key,
            outputs=made.outputs,
            timings=timings,
            model=identity,
            warnings=made.warnings,
            numerics=self._resources.numerics().id,
            precision=made.precision,
            then=then,
        )
        self._observer.succeeded(model.card.name, attempt.age_seconds, timings)
        # Of one of thousands nobody reads it, and each line costs time.
        level = logging.DEBUG if attempt.job.batch_id else logging.INFO
        log.log(level, "job succeeded", extra=_fields(attempt, stages=_brief(timings)))
        return jobs

    def _next_claim(self, attempt: Attempt) -> NextClaim | None:
        """Return the claim that goes with the end of an attempt: far from the job store, a round trip counts.

        None where the thread has others to wait for, or where `_claim` would do something else.
        """
        if attempt.is_in_group or self._draining.is_set():
            return None
        if not self._has_room() or not self._storage.is_open():
            return None
        return NextClaim(self._worker_id, self._models.runnable(), MOST_TOGETHER, self._lanes)

    def _failure(self, attempt: Attempt, error: AtelierError) -> Outcome:
        if isinstance(error, StorageUnavailable) and not isinstance(error, ObjectDamaged):
            lack = "no room for the result" if isinstance(error, OutOfDisk) else "the storage does not answer"
            if self._waits_for_storage(attempt, error):
                return lambda: self._give_back(attempt, error, f"{lack}; the job waits")
        current_span().fail(error.code)
        if error.retryable:
            current_span().event("retry", {"error.type": error.code})
        move = self._store.requeue if error.retryable else self._store.fail
        word = "job will be tried again" if error.retryable else "job failed"

        def conclude() -> None:
            move(*attempt.key, error)
            log.warning(word, extra=_fields(attempt, code=error.code, detail=error.whole))

        return conclude

    def _waits_for_storage(self, attempt: Attempt, error: StorageUnavailable) -> bool:
        """Whether a job waits, uncounted: until there is room, or the storage answers.

        If it answers, and refused the job before, too, then the fault is one of this job's objects. A
        connection to a bucket that breaks again and again is none.
        """
        if isinstance(error, OutOfDisk):
            self._storage.close(error)
            return True
        history = attempt.job.history
        is_refusal = error.is_lasting or isinstance(error.__cause__, OSError)  # the second of a folder
        was_refused = bool(history) and history[-1].code == StorageUnavailable.code
        return not self._storage.answers() or not (is_refusal and was_refused)

    def _give_back(self, attempt: Attempt, error: AtelierError, why: str) -> None:
        """Let a job wait, uncounted: an accepted job does not fail for what this worker lacks now."""
        pause = FULL_PAUSE_SECONDS * random.uniform(1, 1.5)
        current_span().event("released", {"error.type": error.code})
        how = {"pause_seconds": pause, "code": error.code, "stored_nothing": not attempt.has_stored}
        ensure_current(self._store.release(*attempt.key, **how), attempt.job.id)  # type: ignore[arg-type]
        log.warning(why, extra=_fields(attempt, detail=error.whole))

    def _conclude(self, attempt: Attempt, outcome: Outcome) -> list[Job] | None:
        """Make the final move; a store that is away is asked again while the attempt is current.

        Returns the next jobs, if the move claimed them.
        """
        deadline = time.monotonic() + PERSIST_SECONDS
        while True:
            try:
                return outcome()
            except LeaseLost as error:
                self._drop(attempt.job, error)
            except StoreUnavailable as error:
                if time.monotonic() < deadline and attempt.is_current:
                    time.sleep(0.2)
                    continue
                log.warning("outcome not stored", extra=_fields(attempt, detail=error.whole))
            return None

    def _drop(self, job: Job, error: LeaseLost) -> None:
        """Throw away what a fenced attempt made."""
        current_span().event("attempt dropped", {"error.type": error.code})
        log.info("attempt dropped", extra={"job_id": job.id, "attempt": job.attempt, "why": error.code})
        try:
            self._resources.objects.delete_prefix(attempt_prefix(job.id, job.attempt))
        except AtelierError as fault:
            log.warning("leftovers stay", extra={"job_id": job.id, "detail": fault.detail})


def _fields(attempt: Attempt, **more: object) -> dict[str, object]:
    seconds = round(attempt.age_seconds, 3)
    return {"job_id": attempt.job.id, "attempt": attempt.job.attempt, "seconds": seconds, **more}


def _brief(timings: dict[str, float]) -> str:
    return ",".join(f"{stage}:{seconds * 1000:.1f}ms" for stage, seconds in timings.items())
