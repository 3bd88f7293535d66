"""Jobs as a resource of this API: how one is read and shown."""

from flask import Response, current_app

from api.resources import CAPACITY, Capacity, accepted_response
from api.services import Services, links, services
from shared.errors import JobGone, JobNotFound, StoreUnavailable
from shared.jobs.job import Job
from shared.jobs.rendering import Links, view_of
from shared.jobs.status import Status
from shared.jobs.submission import Submitted
from shared.jobs.views import JobView, QueueView


class JobResource:
    """Reads and shows jobs."""

    kind = "job"
    estimate = "queue"

    def __init__(self, services: Services, capacity: Capacity, links: Links) -> None:
        self._services = services
        self._capacity = capacity
        self.links = links

    def get(self, job_id: str, owner: str) -> Job:
        """Return the owner's job; raise JobNotFound or JobGone."""
        return self._services.store.get(job_id, owner)

    def url(self, job_id: str) -> str:
        """Return where a job is."""
        return self.links.job(job_id)

    def changes_silently(self, job: Job) -> bool:
        """Whether the job is an item of a batch: these have no events of their own."""
        return job.batch_id is not None

    def view(self, job: Job) -> JobView:
        """Return the job's representation, as it is now where it has left the queue since it was read."""
        queue = self._queue(job)
        if queue is None and job.status is Status.QUEUED:
            again = self._again(job)
            job, queue = (again, self._queue(again)) if again else (job, None)
        attempts = self._services.settings.jobs.max_attempts
        return view_of(job, self.links, max_attempts=attempts, queue=queue)

    def _again(self, job: Job) -> Job | None:
        try:
            return self.get(job.id, job.owner)
        except (StoreUnavailable, JobNotFound, JobGone):
            return None

    def _queue(self, job: Job) -> QueueView | None:
        if job.status is not Status.QUEUED:
            return None
        try:
            waiting = self._services.queries.waiting(job, self._capacity.slots())
        except StoreUnavailable:  # the job was read; its place in the queue is not worth an error
            waiting = None
        if waiting is None:
            return None
        return QueueView(lane=job.lane, position=waiting.position, eta_seconds=waiting.eta_seconds)


def jobs() -> JobResource:
    """Return the jobs with links that suit this request."""
    return JobResource(services(), current_app.extensions[CAPACITY], links())


def submitted_response(submitted: Submitted, owner: str) -> Response:
    """Return the response to the submission of a job."""
    job = services().store.get(submitted.id, owner)
    return accepted_response(jobs(), job, created=submitted.created)
