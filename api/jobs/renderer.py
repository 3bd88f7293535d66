"""A job as this API's clients see it, its ETag, and when to ask again."""

import math
import threading
import time

from api.services import Services
from shared.errors import JobGone, JobNotFound, StoreUnavailable
from shared.identifiers import sha256
from shared.jobs.job import Job
from shared.jobs.rendering import Links, view_of
from shared.jobs.status import Status
from shared.jobs.views import JobView, QueueView
from shared.workers import WorkerRoster

LONGEST_RETRY_SECONDS = 30
UNKNOWN_RETRY_SECONDS = 2
FRESH_SECONDS = 1.0


class Capacity:
    """The places of all live workers. Estimates need them often and need not be fresher than a second."""

    def __init__(self, roster: WorkerRoster) -> None:
        self._roster = roster
        self._lock = threading.Lock()
        self._slots = 0
        self._until = 0.0

    def slots(self) -> int:
        """Return how many jobs all workers carry out at once at full speed; raise StoreUnavailable."""
        if time.monotonic() >= self._until:
            slots = sum(worker.at_full_speed for worker in self._roster.live())
            with self._lock:
                self._slots, self._until = slots, time.monotonic() + FRESH_SECONDS
        with self._lock:
            return self._slots


class JobRenderer:
    """Renders jobs with links below one base."""

    def __init__(self, services: Services, capacity: Capacity, base: str) -> None:
        self._services = services
        self._capacity = capacity
        self._links = Links.of(base, services.settings.api.public_url)

    def view(self, job: Job) -> JobView:
        """Return the job's representation, as it is now where it has left the line since it was read."""
        queue = self._queue(job)
        if queue is None and job.status is Status.QUEUED:
            again = self._again(job)
            job, queue = (again, self._queue(again)) if again else (job, None)
        attempts = self._services.settings.jobs.max_attempts
        return view_of(job, self._links, max_attempts=attempts, queue=queue)

    def _again(self, job: Job) -> Job | None:
        try:
            return self._services.store.get(job.id, job.owner)
        except (StoreUnavailable, JobNotFound, JobGone):
            return None

    def preview_url(self, job_id: str, key: str) -> str:
        """Return where the latest preview of a running job is; a newer one has another address."""
        return self._links.preview(job_id, key)

    def _queue(self, job: Job) -> QueueView | None:
        if job.status is not Status.QUEUED:
            return None
        try:
            waiting = self._services.queries.waiting(job, self._capacity.slots())
        except StoreUnavailable:  # the job was read; its place in line is not worth an error
            waiting = None
        if waiting is None:
            return None
        return QueueView(lane=job.lane, position=waiting.position, eta_seconds=waiting.eta_seconds)


def etag_of(body: str) -> str:
    """Return the strong entity tag of a representation, without its quotes."""
    return sha256(body.encode())[:32]


def job_etag_of(view: JobView) -> tuple[str, bool]:
    """Return a job's entity tag and whether it is a weak one.

    A time that counts down is no news, and wakes nobody who waits for news, until it is a third shorter.
    """
    queue = view.queue
    if queue is None or queue.eta_seconds is None:
        return etag_of(view.model_dump_json()), False
    step = {"eta_seconds": eta_step(queue.eta_seconds)}
    coarse = view.model_copy(update={"queue": queue.model_copy(update=step)})
    return etag_of(coarse.model_dump_json()), True


def eta_step(eta_seconds: float) -> float:
    """Return a number that changes when a time that counts down is a third shorter."""
    return float(round(2 * math.log2(max(eta_seconds, 1))))


def retry_after(view: JobView) -> int:
    """Return the seconds after which asking again is worth it, 1 to 30."""
    return 1 if view.queue is None else retry_after_eta(view.queue.eta_seconds)


def retry_after_eta(eta_seconds: float | None) -> int:
    """Return the seconds after which asking again is worth it, 1 to 30, by the time until the end."""
    if eta_seconds is None:
        return UNKNOWN_RETRY_SECONDS
    return max(1, min(LONGEST_RETRY_SECONDS, math.ceil(eta_seconds)))
