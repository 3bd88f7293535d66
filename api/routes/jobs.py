"""Jobs: submit, list, read, delete."""

from apiflask import APIBlueprint
from flask import Response, request

from api.auth import owner
from api.jobs.response import differs_from_known, is_done, job_answer, patiently, renderer, submitted_answer
from api.jobs.submission import Caller, submit_json
from api.openapi import answer, body, described, parameter, ref
from api.requests.body import json_body
from api.requests.headers import idempotency_key, wait_seconds
from api.requests.query import JobsQuery, parameters_of, read_query
from api.responses.page import page_answer
from api.responses.preconditions import conditional, require_version
from api.responses.views import JobPage
from api.services import services
from shared.errors import InvalidRequest
from shared.identifiers import is_job_id

blueprint = APIBlueprint("jobs", __name__, tag="Jobs", url_prefix="/v1")

PREFER = parameter(
    "header", "Prefer", "`wait=n`: answer when the job is done, or after n seconds.", {"type": "string"}
)
KEY = parameter(
    "header",
    "Idempotency-Key",
    "A repetition with the same key and body gives the same job.",
    {"type": "string"},
)
ACCEPTED = {
    "Location": "Where the job is.",
    "Preference-Applied": "What of `Prefer` was honored.",
    "Idempotency-Replayed": "`true` where the job was there before.",
}
SUBMITTED = {
    200: answer("The job is done already", ref("JobView"), headers=ACCEPTED),
    202: answer(
        "The job is accepted",
        ref("JobView"),
        headers={**ACCEPTED, "Retry-After": "Seconds after which asking again is worth it."},
    ),
}
REFUSED = (400, 413, 415, 422, 503)


@blueprint.post("/jobs")
@described(
    blueprint,
    "submitJob",
    SUBMITTED,
    problems=REFUSED,
    parameters=(PREFER, KEY),
    request_body=body({"application/json": ref("JobSpec")}),
)
def submit_job() -> Response:
    """Submit a job.

    Pictures are named by the ids of uploaded files.
    """
    caller = Caller(owner(), idempotency_key())
    return submitted_answer(submit_json(services(), json_body(), caller), caller.owner)


@blueprint.put("/jobs/<job_id>")
@described(
    blueprint,
    "putJob",
    SUBMITTED,
    problems=(*REFUSED, 410),
    parameters=(PREFER,),
    request_body=body({"application/json": ref("JobSpec")}),
)
def put_job(job_id: str) -> Response:
    """Submit a job under an id of your own.

    The id has 1 to 64 letters, digits, `-` and `_`. A repetition with the same body gives the same job.
    """
    if not is_job_id(job_id):
        raise InvalidRequest.of_field(
            "/id",
            "id must have 1 to 64 letters, digits, hyphens and underscores, and begin with a letter or digit",
        )
    caller = Caller(owner(), job_id=job_id)
    return submitted_answer(submit_json(services(), json_body(), caller), caller.owner)


@blueprint.get("/jobs")
@described(
    blueprint,
    "listJobs",
    {200: answer("A page of jobs", ref("JobPage"), headers={"Link": "The next page, where there is one."})},
    problems=(422, 503),
    parameters=parameters_of(JobsQuery),
)
def list_jobs() -> Response:
    """List jobs, newest first.

    With `status=failed` or `status=expired` these are the dead ones, items of batches among them: `error`
    says why, `attempts` how. Other lists leave items out unless `items=true` asks for them.
    """
    query = read_query(JobsQuery)
    queries, who, with_items = services().queries, owner(), query.with_items
    page = queries.page(who, query.filters, limit=query.limit, cursor=query.cursor, items=with_items)
    is_whole = with_items or query.cursor is not None
    view = renderer().view
    jobs = JobPage(
        object="list",
        data=[view(job) for job in page.jobs],
        next_cursor=page.next_cursor,
        unlisted_items=None if is_whole else queries.unlisted_items(who, query.status),
    )
    return page_answer(jobs, page.next_cursor)


@blueprint.get("/jobs/<job_id>")
@described(
    blueprint,
    "getJob",
    {
        200: answer(
            "The job",
            ref("JobView"),
            headers={
                "ETag": "Changes with the representation.",
                "Retry-After": "Seconds after which asking again is worth it, while the job is not done.",
            },
        ),
        304: answer("The job is as `If-None-Match` says"),
    },
    problems=(404, 410, 422, 503),
    parameters=(
        parameter("query", "wait", "Seconds to wait for news at most.", {"type": "number", "minimum": 0}),
        parameter("header", "If-None-Match", "The entity tag of the last answer.", {"type": "string"}),
    ),
)
def get_job(job_id: str) -> Response:
    """Read a job, or wait for news of it.

    With `wait` the answer comes when the job is done; with `wait` and `If-None-Match`, when anything about
    it has changed; in any case when the time is over.
    """
    seconds = wait_seconds()
    job = services().store.get(job_id, owner())
    if seconds:
        job = patiently(job, differs_from_known if request.if_none_match else is_done, seconds)
    return conditional(job_answer(job))


@blueprint.delete("/jobs/<job_id>")
@described(blueprint, "deleteJob", {204: answer("The job is forgotten")}, problems=(404, 409, 410, 412, 503))
def delete_job(job_id: str) -> Response:
    """Forget a job that is done, with its pictures."""
    require_version(lambda: job_answer(services().store.get(job_id, owner())))
    services().store.delete(job_id, owner())
    return Response(status=204)
