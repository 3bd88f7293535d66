"""A job as an HTTP answer: status, Location, Retry-After, entity tag."""

import time
from collections.abc import Callable
from functools import partial

from flask import Response, current_app, request

from api.extensions import CAPACITY
from api.jobs.renderer import JobRenderer, job_etag_of, retry_after
from api.requests.headers import preference
from api.responses.urls import base_url, job_path
from api.server.long_poll import LOOK_SECONDS, waits
from api.services import Services, services
from shared.errors import StoreUnavailable
from shared.jobs.job import Job
from shared.jobs.submission import Submitted


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


def wait_for(
    services: Services, job: Job, settled: Callable[[Job], bool], *, seconds: float, gone: Callable[[], bool]
) -> Job:
    """Return the job once it is settled, or as it is when the time is over or nobody waits any more."""
    deadline = time.monotonic() + seconds
    after = services.queries.last_event_id(job.id)  # before the read: no event in between is missed
    job = services.store.get(job.id, job.owner)
    while not settled(job) and not gone():
        left = deadline - time.monotonic()
        if left < 0.001:
            break
        events = services.queries.events(job.id, after=after, block_seconds=min(LOOK_SECONDS, left))
        if events:
            after = events[-1].id
        if events or job.batch_id:  # an item has no events of its own
            job = services.store.get(job.id, job.owner)
    return job
