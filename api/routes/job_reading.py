"""Many jobs read at once."""

import json
from collections.abc import Iterator, Sequence

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
CHUNK = 50  # records that are in memory at once
MOST_BYTES = 8 * 1024 * 1024  # of the jobs in one response; the one that passes it is the last


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
    more. Where the jobs have more than 8 MiB, `unread` names those to ask for again.
    """
    wanted = validated(ReadRequest, json_body())
    ids = list(dict.fromkeys(wanted.ids))
    told, missing, size = [], [], 0
    for job_id, text in _texts(ids, frozenset(wanted.fields)):
        if text is None:
            missing.append(job_id)
            continue
        told.append(text)
        size += len(text)
        if size > MOST_BYTES:
            break
    unread = ids[len(told) + len(missing) :]
    rest = f'"missing":{json.dumps(missing)},"unread":{json.dumps(unread)}'
    text = f'{{"object":"list","data":[{",".join(told)}],{rest}}}'
    return Response(text, headers={"Cache-Control": "no-store"}, mimetype="application/json")


def _texts(ids: Sequence[str], fields: frozenset[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each id with the JSON of its job, or None."""
    resource, who = jobs(), owner()
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        for job_id, job in zip(chunk, services().queries.many(chunk, who), strict=True):
            view = job and resource.view(job, placed=COSTLY in fields)
            yield job_id, view.model_dump_json(include=set(fields)) if view else None
