"""Existing jobs: list, read, cancel, requeue, delete."""

from functools import partial
from typing import Any

from flask import Response, request

from api.auth import needs
from api.following import differs_from_known, is_done, record_response, wait
from api.jobs.workers import notify
from api.openapi import TaggedBlueprint, body, documented, listed, operation, read, ref, waiting
from api.requests.headers import wait_seconds
from api.requests.move_request import asked_move
from api.requests.query import JobsQuery, parameters_of, read_query
from api.resources import jobs
from api.responses.job_views import JobPage
from api.responses.representation import conditional, page_response, require_version
from api.services import owner, services
from shared.access.key import Scope

blueprint = TaggedBlueprint("jobs", tag="Jobs", url_prefix="/v1/jobs")


@blueprint.get("")
@operation("listJobs", listed("jobs", "JobPage"), problems=(422, 503), parameters=parameters_of(JobsQuery))
@needs(Scope.READ)
def list_jobs() -> Response:
    """List jobs, newest first.

    With `status=failed` or `status=expired` these are the dead ones, items of batches among them: `error`
    says why, `attempts` how. Other lists leave items out unless `items=true` asks for them.
    """
    query = read_query(JobsQuery)
    queries, who, with_items = services().queries, owner(), query.with_items
    fields = query.fields
    place: Any = {"limit": query.limit, "cursor": query.cursor}
    page = queries.page(who, query.filters, items=with_items, fields=fields, **place)
    is_whole = with_items or query.cursor is not None
    left_out = None if is_whole else queries.unlisted_items(who, query.status)
    view = partial(jobs().view, fields=fields)
    return page_response(JobPage, page, view, fields=fields, unlisted_items=left_out)


@blueprint.get("/<job_id>")
@operation("getJob", read("job", "JobView"), problems=(404, 410, 422, 503), parameters=waiting("news"))
@needs(Scope.READ)
def get_job(job_id: str) -> Response:
    """Read a job, or wait for news of it.

    With `wait` the answer comes when the job is done; with `wait` and `If-None-Match`, when anything about
    it has changed; in any case when the time is over.
    """
    seconds = wait_seconds()
    resource = jobs()
    job = (resource.get if seconds else resource.look)(job_id, owner())
    if seconds:
        settled = partial(differs_from_known, resource) if request.if_none_match else is_done
        job = wait(resource, job, settled, seconds)
    return conditional(record_response(resource, job))


@blueprint.delete("/<job_id>")
@operation("deleteJob", {204: documented("The job is forgotten")}, problems=(404, 409, 410, 412, 503))
@needs(Scope.SUBMIT)
def delete_job(job_id: str) -> Response:
    """Forget a job that is done, with its pictures."""
    require_version(lambda: record_response(jobs(), jobs().get(job_id, owner())))
    services().store.delete(job_id, owner())
    return Response(status=204)


@blueprint.post("/<job_id>/cancel")
@operation("cancelJob", {200: documented("The canceled job", ref("JobView"))}, problems=(404, 409, 410, 503))
@needs(Scope.SUBMIT)
def cancel_job(job_id: str) -> Response:
    """Cancel a job that is queued or running.

    It is canceled at once. Canceling a canceled job changes nothing.
    """
    services().store.cancel(job_id, owner())
    return record_response(jobs(), jobs().get(job_id, owner()))


@blueprint.post("/<job_id>/requeue")
@operation("requeueJob", {200: documented("The job, queued", ref("JobView"))}, problems=(404, 409, 410, 503))
@needs(Scope.SUBMIT)
def requeue_job(job_id: str) -> Response:
    """Start a job over that is queued or running.

    A running one is taken from its worker, which drops its work, and the attempt does not count. A queued one
    that pauses after an error pauses no longer. For a job that is done there is `retry`.
    """
    services().store.restart(job_id, owner())
    job = jobs().get(job_id, owner())
    notify(services(), job.id, job.lane)
    return record_response(jobs(), job)


@blueprint.post("/<job_id>/pin")
@operation("pinJob", {200: documented("The pinned job", ref("JobView"))}, problems=(404, 409, 410, 503))
@needs(Scope.SUBMIT)
def pin_job(job_id: str) -> Response:
    """Keep a job and its pictures until it is unpinned or deleted.

    It does not expire, and is never removed to make room. An item of a batch stays as long as its batch.
    """
    services().store.pin(job_id, owner())
    return record_response(jobs(), jobs().get(job_id, owner()))


@blueprint.post("/<job_id>/unpin")
@operation("unpinJob", {200: documented("The job", ref("JobView"))}, problems=(404, 409, 410, 503))
@needs(Scope.SUBMIT)
def unpin_job(job_id: str) -> Response:
    """Let a job expire again; if it is done, its time to live begins now."""
    services().store.unpin(job_id, owner())
    return record_response(jobs(), jobs().get(job_id, owner()))


@blueprint.post("/<job_id>/move")
@operation(
    "moveJob",
    {200: documented("The job, at its new place", ref("JobView"))},
    problems=(400, 404, 409, 410, 413, 415, 422, 503),
    request_body=body({"application/json": ref("MoveRequest")}),
)
@needs(Scope.SUBMIT)
def move_job(job_id: str) -> Response:
    """Move a waiting job to the front or the back of your queue, or into the other lane, or both.

    It moves in your own queue: other owners have their turns as before. What the job's `input` says of the
    lane stays, and so does a pause after an error. An item is moved with its batch, a job that takes
    over the result of an equal one with that one.
    """
    services().store.move(job_id, owner(), asked_move())
    job = jobs().get(job_id, owner())
    notify(services(), job.id, job.lane)
    return record_response(jobs(), job)
