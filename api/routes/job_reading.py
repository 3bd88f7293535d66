"""Many jobs read at once."""

import json

from flask import Response

from api.auth import needs
from api.openapi import TaggedBlueprint, body, documented, operation, ref
from api.requests.body import json_body
from api.requests.field_errors import validated
from api.requests.read_request import COSTLY, ReadRequest
from api.resources import jobs
from api.services import owner, services
from shared.access.key import Scope

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
    fields = frozenset(wanted.fields)
    found = services().queries.many(ids, owner())
    resource = jobs()
    views = [resource.view(job, placed=COSTLY in fields) for job in found if job]
    told = [view.model_dump_json(include=set(fields)) for view in views]
    missing = [job_id for job_id, job in zip(ids, found, strict=False) if job is None]
    unread = ids[len(found) :]
    rest = f'"missing":{json.dumps(missing)},"unread":{json.dumps(unread)}'
    text = f'{{"object":"list","data":[{",".join(told)}],{rest}}}'
    return Response(text, headers={"Cache-Control": "no-store"}, mimetype="application/json")
