"""Many jobs read at once: by their ids, and what waits by its place."""

from functools import partial
from typing import Any

from flask import Response

from api.auth import needs
from api.openapi import TaggedBlueprint, body, documented, listed, operation, ref
from api.requests.body import json_body
from api.requests.field_errors import validated
from api.requests.query import QueueQuery, parameters_of, read_query
from api.requests.read_request import ReadRequest
from api.resources import jobs
from api.responses.job_views import JobPage, JobsRead
from api.responses.representation import list_response, page_response
from api.services import owner, services
from shared.access.key import Scope
from shared.jobs.listing import JobFilter

blueprint = TaggedBlueprint("job_reading", tag="Jobs", url_prefix="/v1")


@blueprint.post("/jobs:read")
@operation(
    "readJobs",
    {200: documented("The jobs", ref("JobsRead"))},
    problems=(400, 413, 415, 422, 503),
    request_body=body({"application/json": ref("ReadRequest")}),
)
@needs(Scope.READ)
def read_jobs() -> Response:
    """Read up to 500 jobs at once, and only the fields that are asked for.

    They come in the order of the ids, each once. `missing` names ids that are no job of yours, or not any
    more. Where the jobs are too large for one response, `unread` names those to ask for again.
    """
    wanted = validated(ReadRequest, json_body())
    ids = list(dict.fromkeys(wanted.ids))
    found = services().queries.many(ids, owner(), fields=wanted.fields)
    resource = jobs()
    view = JobsRead(
        object="list",
        data=[resource.view(job, wanted.fields) for job in found if job],
        missing=[job_id for job_id, job in zip(ids, found, strict=False) if job is None],
        unread=ids[len(found) :],
    )
    return list_response(view, wanted.fields, {"Cache-Control": "no-store"})


@blueprint.get("/queue")
@operation("listQueue", listed("jobs", "JobPage"), problems=(422, 503), parameters=parameters_of(QueueQuery))
@needs(Scope.READ)
def list_queue() -> Response:
    """List your jobs that wait, in the order in which your queue starts them.

    Those of the lane `interactive` come first, then those of `bulk`; `queue.position` of each also counts
    what others have, and the turns of `bulk`. Items of batches are not among them, nor what waits for a time
    of its own (`not_before`, a pause after an error) or for an equal job: `GET /v1/jobs?status=queued` lists
    these too.
    """
    query = read_query(QueueQuery)
    place: Any = {"limit": query.limit, "cursor": query.cursor}
    only = JobFilter(kind=query.type, model=query.model)
    page = services().queries.upcoming(owner(), only, fields=query.fields, **place)
    view = partial(jobs().view, fields=query.fields)
    return page_response(JobPage, page, view, fields=query.fields, unlisted_items=None)
