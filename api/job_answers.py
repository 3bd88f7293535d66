"""A job as an HTTP answer: status, Location, Retry-After, entity tag."""

from collections.abc import Callable
from functools import partial

from flask import Response, current_app, request

from api.extensions import CAPACITY
from api.job_view import JobRenderer, job_etag_of, retry_after
from api.links import base_url, job_path
from api.preferences import preference
from api.services import services
from api.waiting import wait_for, waits
from shared.errors import StoreUnavailable
from shared.jobs import Job
from shared.submission import Submitted


def renderer() -> JobRenderer:
    """Return a renderer whose links suit this request."""
    return JobRenderer(services(), current_app.extensions[CAPACITY], base_url())


def job_answer(job: Job, status: int = 200) -> Response:
    """Return the job with its entity tag and, while it is not done, when to ask again."""
    view = renderer().view(job)
    body = view.model_dump_json()
    response = Response(body, status, mimetype="application/json")
    response.set_etag(*job_etag_of(view))
    response.headers["Cache-Control"] = "private, no-cache"
    if not view.done:
        response.headers["Retry-After"] = str(retry_after(view))
    return response


def is_done(job: Job) -> bool:
    """Whether the job's status is final."""
    return job.status.is_terminal


def differs_from_known(job: Job) -> bool:
    """Whether the job's representation is none of those that the client has, by If-None-Match."""
    return not request.if_none_match.contains_weak(job_etag_of(renderer().view(job))[0])


def patiently(job: Job, settled: Callable[[Job], bool], seconds: float) -> Job:
    """Return the job once settled, or as it is when the time is over, the client left or the store went away.

    Where too many wait already, that is at once: the client will ask again.
    """
    seats = waits()
    with seats.seat() as seated:
        if not seated:
            return job
        try:
            gone = partial(seats.gone, request.environ)
            return wait_for(services(), job, settled, seconds=seconds, gone=gone)
        except StoreUnavailable:
            return job


def submitted_answer(submitted: Submitted, owner: str) -> Response:
    """Answer a submission: 200 when the job is done within the wait that was preferred, else 202."""
    wanted = preference()
    job = services().store.get(submitted.id, owner)
    if wanted.wait_seconds:
        job = patiently(job, is_done, wanted.wait_seconds)
    response = job_answer(job, 200 if job.status.is_terminal else 202)
    response.headers["Location"] = base_url() + job_path(job.id)
    if wanted.applied:
        response.headers["Preference-Applied"] = wanted.applied
    if not submitted.created:
        response.headers["Idempotency-Replayed"] = "true"
    return response
