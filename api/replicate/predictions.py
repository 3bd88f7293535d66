"""Predictions: create, read, list, cancel, and follow them."""

from contextlib import suppress
from typing import Annotated

from flask import Blueprint, Response
from pydantic import Field

from api.auth import needs
from api.following import is_done, wait
from api.jobs.submission import Caller, accept, checked_json
from api.replicate.answers import Answers, prediction_response
from api.replicate.cards import card_at, card_of_version
from api.replicate.own_pictures import with_own_pictures
from api.replicate.pages import page_of
from api.replicate.prediction_request import PredictionRequest, in_request
from api.replicate.stream import stream_response
from api.requests.body import json_body
from api.requests.field_errors import JOBS_CURSOR_PATTERN, invalid, validated
from api.requests.headers import idempotency_key, preference
from api.requests.query import Moment, PageQuery, milliseconds_of, read_query
from api.resources import jobs
from api.services import owner, services
from shared.access.key import Scope
from shared.cards.card import ModelCard
from shared.errors import AtelierError, FieldError, IllegalMove
from shared.jobs.job import Job
from shared.jobs.listing import JobFilter
from shared.jobs.submission import Submitted

blueprint = Blueprint("predictions", __name__)

PAGE = 100  # entries, as Replicate has them
LONGEST_WAIT_SECONDS = 60
SPARE_SECONDS = 0.2  # clients hang up half a second after their wait


class PredictionsQuery(PageQuery):
    """What the list takes."""

    limit: int = Field(default=PAGE, ge=1, le=200)
    cursor: Annotated[str, Field(pattern=JOBS_CURSOR_PATTERN)] | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None


@blueprint.post("/predictions")
@needs(Scope.SUBMIT)
def create_prediction() -> Response:
    """Submit a job for the version that the body names."""
    asked = validated(PredictionRequest, json_body(pictures=True))
    if asked.version is None:
        raise invalid([FieldError("/version", "version is missing", "missing")])
    return _created(asked, card_of_version(asked.version))


@blueprint.post("/models/<model_owner>/<name>/predictions")
@needs(Scope.SUBMIT)
def create_model_prediction(model_owner: str, name: str) -> Response:
    """Submit a job for a model."""
    card = card_at(model_owner, name)
    asked = validated(PredictionRequest, json_body(pictures=True))
    if asked.version is not None:
        detail = "version is not taken here, where the address names the model"
        raise invalid([FieldError("/version", detail, "unknown_field")])
    return _created(asked, card)


def _created(asked: PredictionRequest, card: ModelCard) -> Response:
    wanted = preference()
    raw = asked.job_of(card)
    try:
        job_spec, uploads = with_own_pictures(checked_json(services(), raw, owner()))
        submitted = accept(services(), job_spec, uploads, Caller(owner(), idempotency_key()))
    except AtelierError as error:
        raise in_request(error) from error
    job = _awaited(submitted, min(wanted.wait_seconds, LONGEST_WAIT_SECONDS) - SPARE_SECONDS)
    return prediction_response(job, 201 if job.is_done or wanted.wait_seconds else 202, is_new=True)


def _awaited(submitted: Submitted, seconds: float) -> Job:
    """Return the job after a wait for its end.

    What is accepted is answered with success: on an error, the Python client 2 would submit it again.
    """
    job = submitted.job or services().store.get(submitted.id, owner())
    if seconds > 0:
        with suppress(AtelierError):
            job = wait(jobs(), job, is_done, seconds)
    return job


@blueprint.get("/predictions")
@needs(Scope.READ)
def list_predictions() -> Response:
    """List all jobs but items of batches, newest first. Pictures are addresses."""
    query = read_query(PredictionsQuery)
    since, until = map(milliseconds_of, (query.created_after, query.created_before))
    only = JobFilter(since=since, until=until)
    page = services().queries.page(owner(), only, limit=query.limit, cursor=query.cursor)
    return page_of(list(map(Answers.here().prediction, page.items)), page.next_cursor)


@blueprint.get("/predictions/<job_id>")
@needs(Scope.READ)
def get_prediction(job_id: str) -> Response:
    """Read a job."""
    return prediction_response(jobs().get(job_id, owner()))


@blueprint.post("/predictions/<job_id>/cancel")
@needs(Scope.SUBMIT)
def cancel_prediction(job_id: str) -> Response:
    """Cancel a job; one that is done stays as it is."""
    with suppress(IllegalMove):
        services().store.cancel(job_id, owner())
    return prediction_response(jobs().get(job_id, owner()))


@blueprint.get("/predictions/<job_id>/stream")
@needs(Scope.READ, signed=True)
def stream_prediction(job_id: str) -> Response:
    """Follow a job by server-sent events."""
    return stream_response(job_id, owner())
