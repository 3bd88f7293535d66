"""Results of a job: its events as they happen, and its pictures."""

from functools import partial
from typing import cast

from flask import Response, current_app, request
from pydantic import Field

from api.auth import needs
from api.errors import PreviewUnavailable, ResultUnavailable
from api.events import stream_response
from api.native_threads import in_native_thread
from api.openapi import (
    BYTES,
    EVENTS,
    IF_NONE_MATCH,
    LAST_EVENT_ID,
    PICTURE,
    RANGE,
    SIGNATURE,
    TaggedBlueprint,
    documented,
    operation,
    parameter,
)
from api.requests.field_errors import validated
from api.requests.query import QueryModel, parameters_of, query_texts, read_text
from api.resources import jobs
from api.responses.content import FOREVER, Content, marked, send
from api.responses.representation import conditional
from api.responses.sheets.sheet_cache import SheetCache
from api.responses.thumbnail import MEDIA_TYPE, thumbnail
from api.services import links, owner, services
from shared.access.key import Scope
from shared.errors import OutputNotFound
from shared.jobs.job import Job, StoredOutput
from shared.jobs.status import Status

blueprint = TaggedBlueprint("results", tag="Results", url_prefix="/v1/jobs/<job_id>")

PREVIEW_TYPE = "image/jpeg"
THUMBNAILS = "atelier.thumbnails"  # name of the application's cache of them among its extensions
WAIT_SECONDS = 10  # a page asks for many at once, and they take turns


class OutputQuery(QueryModel):
    """How large."""

    side: int | None = Field(
        default=None,
        ge=16,
        le=512,
        description="A small copy (WebP) with this longest side, in pixels, for lists. Looking at it does "
        "not count as fetching the picture. `404` where the picture is too large for that.",
    )


@blueprint.get("/events")
@operation("streamEvents", EVENTS, problems=(400, 404, 410, 503), parameters=(LAST_EVENT_ID,))
@needs(Scope.READ)
def stream_events(job_id: str) -> Response:
    """Follow a job by server-sent events.

    `state` and `progress` tell what changed, `done` carries the whole job and is the last. Every event has
    an id: send the last one as `Last-Event-ID` to go on after it.
    """
    return stream_response(jobs(), job_id, owner())


@blueprint.get("/result")
@operation(
    "getResult",
    {303: documented("The first picture is there", headers={"Location": "Where it is."})},
    problems=(404, 409, 410, 503),
)
@needs(Scope.READ)
def get_result(job_id: str) -> Response:
    """Go to a job's first picture."""
    job = jobs().get(job_id, owner())
    if job.status is not Status.SUCCEEDED or not job.outputs:
        raise ResultUnavailable(f"the job is {job.status}; a result is there once it is succeeded")
    return Response(status=303, headers={"Location": links().output(job.id, 0)})


@blueprint.get("/preview")
@operation(
    "getPreview",
    {200: documented("The latest preview", PICTURE, media_type="image/*")},
    problems=(404, 410, 503),
    parameters=(
        parameter("query", "step", "Ignored: the latest is sent.", {"type": "integer"}),
        *SIGNATURE,
    ),
)
@needs(Scope.READ, signed=True)
def get_preview(job_id: str) -> Response:
    """Look at the work so far.

    A running job that optimizes shows a small picture every `optimize.preview_every` steps. Its progress, and
    the `progress` events that bring a new one, say so in `preview_url`, which differs from one to the next.
    """
    job = jobs().get(job_id, owner())
    key = job.progress.preview if job.progress else None
    if key is None:
        raise PreviewUnavailable("the job shows no preview now")
    response = Response(services().objects.get(key), mimetype=PREVIEW_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/outputs/<int:index>")
@operation(
    "getOutput",
    BYTES,
    problems=(404, 410, 416, 422, 503),
    parameters=(RANGE, IF_NONE_MATCH, *parameters_of(OutputQuery), *SIGNATURE),
)
@needs(Scope.READ, signed=True)
def get_output(job_id: str, index: int) -> Response:
    """Download one of a job's pictures. It never changes.

    The `url` of an output has a signature where the service has API keys. With it, anybody may read this one
    picture for a time, as an `<img>` of a page does, until its key is revoked.
    """
    side = _asked_side()
    job = jobs().get(job_id, owner())
    if index >= len(job.outputs):
        raise OutputNotFound(f"the job has {len(job.outputs)} outputs, counted from 0; there is no {index}")
    output = job.outputs[index]
    return _whole(job, index, output) if side is None else _small(output, side)


def _asked_side() -> int | None:
    """Return the `side` of the query; what else it has is passed over, as it always was."""
    texts = {name: text for name, text in query_texts().items() if name == "side"}
    return validated(
        OutputQuery, {name: read_text(OutputQuery, name, text) for name, text in texts.items()}
    ).side


def _whole(job: Job, index: int, output: StoredOutput) -> Response:
    content = Content(
        key=output.key,
        media_type=output.media_type,
        size=output.bytes,
        sha256=output.sha256,
        name=f"{job.id}-{index}.{output.media_type.rpartition('/')[2]}",
    )
    response = send(content, services().objects)
    return marked(response, content.size, partial(services().store.note_fetched, job, index))


def _small(output: StoredOutput, side: int) -> Response:
    response = Response(mimetype=MEDIA_TYPE)
    response.set_etag(f"{output.sha256}-{side}")
    response.headers["Cache-Control"] = FOREVER
    response = conditional(response)
    if response.status_code == 200 and request.method != "HEAD":
        make = partial(in_native_thread, thumbnail, output, side, services().objects)
        response.set_data(_thumbnails().sheet(f"{output.sha256}-{side}", make))
    return response


def _thumbnails() -> SheetCache:
    made = current_app.extensions.setdefault(THUMBNAILS, SheetCache(wait_seconds=WAIT_SECONDS))
    return cast(SheetCache, made)
