"""What can be done with a job that exists: cancel it, start it over, or try it again."""

from apiflask import APIBlueprint
from flask import Response

from api.auth import owner
from api.jobs.notify import ring, ring_for
from api.jobs.response import job_answer, submitted_answer
from api.jobs.submission import Caller, submit_again
from api.openapi import answer, described, ref
from api.requests.headers import idempotency_key
from api.routes.jobs import KEY, PREFER, SUBMITTED
from api.services import services
from shared.errors import IllegalMove
from shared.jobs.status import Status

blueprint = APIBlueprint("job_moves", __name__, tag="Jobs", url_prefix="/v1/jobs/<job_id>")

RETRYABLE = (Status.FAILED, Status.CANCELED, Status.EXPIRED)


@blueprint.post("/cancel")
@described(
    blueprint, "cancelJob", {200: answer("The canceled job", ref("JobView"))}, problems=(404, 409, 410, 503)
)
def cancel_job(job_id: str) -> Response:
    """Cancel a job that is queued or running.

    It is canceled at once. Canceling a canceled job changes nothing.
    """
    services().store.cancel(job_id, owner())
    return job_answer(services().store.get(job_id, owner()))


@blueprint.post("/requeue")
@described(
    blueprint, "requeueJob", {200: answer("The job, queued", ref("JobView"))}, problems=(404, 409, 410, 503)
)
def requeue_job(job_id: str) -> Response:
    """Start a job over that is queued or running.

    A running one is taken from its worker, which drops its work, and the attempt does not count. A queued one
    that pauses after an error pauses no longer. For a job that is done there is `retry`.
    """
    services().store.restart(job_id, owner())
    job = services().store.get(job_id, owner())
    ring(services(), job.id, job.lane)
    return job_answer(job)


@blueprint.post("/retry")
@described(blueprint, "retryJob", SUBMITTED, problems=(404, 409, 410, 422, 503), parameters=(PREFER, KEY))
def retry_job(job_id: str) -> Response:
    """Submit a job again that failed, was canceled or expired.

    Makes a new job with the same resolved input; its `retried_from` names the old one. An item of a batch
    goes again in its place: the batch counts it, and however often it is asked, a job is tried again once.
    """
    job = services().store.get(job_id, owner())
    if job.status not in RETRYABLE:
        raise IllegalMove(f"only a failed, canceled or expired job can be retried; this one is {job.status}")
    if job.batch_id is not None:
        submitted = services().batches.retry_item(job)
        ring_for(services(), services().batches.get(job.batch_id, job.owner))
        return submitted_answer(submitted, job.owner)
    caller = Caller(owner(), idempotency_key())
    return submitted_answer(submit_again(services(), job, caller), caller.owner)
