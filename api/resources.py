"""Jobs and batches as resources of this API: how one is read and shown."""

from collections.abc import Callable, Collection
from functools import partial

from flask import g

from api.services import EarlyRecord, Services, links, may_know_of_others, services
from shared.batches.batch import Batch
from shared.batches.rendering import batch_view
from shared.batches.views import BatchView
from shared.errors import JobGone, JobNotFound, StoreUnavailable
from shared.jobs.job import Job
from shared.jobs.queries import Alarm
from shared.jobs.reasons import Hold, hold_of
from shared.jobs.rendering import Links, view_of
from shared.jobs.status import Status
from shared.jobs.submission import Submitted
from shared.jobs.views import JobView, QueueView, hold_fields
from shared.redis.scripts import value_of
from shared.workers import capacity_of


class _Resource:
    """What reading and showing a record takes, whatever its kind."""

    def __init__(self, services: Services, links: Links, *, own_only: bool) -> None:
        """With `own_only`, places and times tell of the owner's own work alone."""
        self._services = services
        self._own_only = own_only
        self.links = links


class JobResource(_Resource):
    """Reads and shows jobs."""

    kind = "job"
    estimate = "queue"
    _placed: tuple[Job, str] | None = None  # a job that was looked at, and its place

    def __init__(
        self, services: Services, links: Links, *, own_only: bool, early: EarlyRecord | None = None
    ) -> None:
        """`early` is what was read of a job when the request began; it serves one reading."""
        super().__init__(services, links, own_only=own_only)
        self._early = early

    def get(self, job_id: str, owner: str) -> Job:
        """Return the owner's job; raise JobNotFound or JobGone."""
        early, self._early = self._early, None
        if early is None or early.call != self._services.store.reading(job_id):
            return self._services.store.get(job_id, owner)
        return self._services.store.job_of(value_of(early.reply), job_id, owner)

    def accepted(self, submitted: Submitted, owner: str) -> Job:
        """Return the job of a submission, to be shown at once with the place that was read with it."""
        job = submitted.job or self.get(submitted.id, owner)
        if submitted.place is not None:
            self._placed = job, submitted.place
        return job

    def look(self, job_id: str, owner: str) -> Job:
        """Return the owner's job to be shown at once: its place in the queue is read with it, or later."""
        if self._early is not None:
            return self.get(job_id, owner)
        self._placed = self._services.queries.placed(job_id, owner, own_only=self._own_only)
        return self._placed[0]

    def url(self, job_id: str) -> str:
        """Return where a job is."""
        return self.links.job(job_id)

    def changes_silently(self, job: Job) -> bool:
        """Whether the job is an item of a batch: these have no events of their own."""
        return job.batch_id is not None

    def end_of(self, job: Job) -> Callable[[float, Alarm], Job | None] | None:
        """Return what waits for the job's end alone; None for an item, whose end wakes nobody."""
        self._placed = None  # its place will be another then
        return None if self.changes_silently(job) else partial(self._services.queries.end_of, job)

    def view(self, job: Job, fields: Collection[str] | None = None) -> JobView:
        """Return the job's representation, as it is now where it has left the queue since it was read.

        With `fields`, only these may be told of it; its place in the queue is not looked for without need.
        """
        placed = fields is None or "queue" in fields
        queue = self._queue(job) if placed else None
        if placed and queue is None and job.status is Status.QUEUED:
            again = self._again(job)
            job, queue = (again, self._queue(again)) if again else (job, None)
        attempts = self._services.settings.jobs.max_attempts
        return view_of(job, self.links, max_attempts=attempts, queue=queue, is_whole=fields is None)

    def _again(self, job: Job) -> Job | None:
        try:
            return self.get(job.id, job.owner)
        except (StoreUnavailable, JobNotFound, JobGone):
            return None

    def _queue(self, job: Job) -> QueueView | None:
        if job.status is not Status.QUEUED:
            return None
        try:
            workers = self._services.roster.recent()
            place = self._placed[1] if self._placed and self._placed[0] is job else None
            waiting = self._services.queries.waiting(
                job, capacity_of(workers, job.lane), own_only=self._own_only, place=place
            )
            hold = hold_of(waiting.hold, workers) if waiting else None
        except StoreUnavailable:  # the job was read; its place in the queue is not worth an error
            return None
        if waiting is None or hold is None:
            return None
        times = {"position": waiting.position, "eta_seconds": waiting.eta_seconds}
        return QueueView(lane=job.lane, **times, **hold_fields(hold))


class BatchResource(_Resource):
    """Reads and shows batches."""

    kind = "batch"
    estimate = "progress"

    def get(self, batch_id: str, owner: str) -> Batch:
        """Return the owner's batch; raise BatchNotFound or JobGone."""
        return self._services.batches.get(batch_id, owner)

    def url(self, batch_id: str) -> str:
        """Return where a batch is."""
        return self.links.batch(batch_id)

    def changes_silently(self, batch: Batch) -> bool:
        """Whether the batch may change without an event: its progress does."""
        return True

    def end_of(self, batch: Batch) -> None:
        """Return that nothing waits for a batch's end alone."""

    def view(self, batch: Batch, fields: Collection[str] | None = None) -> BatchView:
        """Return the batch's representation, with the time until it is done; `fields` as those of a job."""
        timed = fields is None or self.estimate in fields or "queue" in fields
        return batch_view(batch, self.links, *(self._waiting(batch) if timed else (None, None)))

    def _waiting(self, batch: Batch) -> tuple[float | None, Hold | None]:
        """Return the seconds until a batch is done, and why the next of its items waits."""
        try:
            workers = self._services.roster.recent()
            capacity = capacity_of(workers, batch.lane)
            waiting = self._services.batches.waiting(batch, capacity, own_only=self._own_only)
            return waiting.eta_seconds, hold_of(waiting.hold, workers)
        except StoreUnavailable:  # the batch was read; its time is not worth an error
            return None, None


def jobs() -> JobResource:
    """Return the jobs with links that suit this request."""
    early: EarlyRecord | None = g.pop("early_record", None)
    was_read = early is not None and early.reply is not None
    own_only = not may_know_of_others()
    return JobResource(services(), links(), own_only=own_only, early=early if was_read else None)


def batches() -> BatchResource:
    """Return the batches with links that suit this request."""
    return BatchResource(services(), links(), own_only=not may_know_of_others())
