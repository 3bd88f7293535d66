"""What a job gives: its events as they happen, and its pictures."""

import re
from functools import partial

from apiflask import APIBlueprint
from flask import Response, request

from api.auth import owner
from api.errors import InvalidHeader, PreviewUnavailable, ResultUnavailable, TooManyListeners
from api.jobs.events import EventStream
from api.jobs.response import renderer
from api.openapi import answer, described, parameter
from api.responses.content import Content, send
from api.responses.urls import base_url, job_path
from api.server.long_poll import waits
from api.services import services
from shared.errors import OutputNotFound
from shared.jobs.status import Status

blueprint = APIBlueprint("results", __name__, tag="Results", url_prefix="/v1/jobs/<job_id>")

PREVIEW_TYPE = "image/jpeg"
PICTURE = {"type": "string", "contentMediaType": "application/octet-stream"}
RANGE = parameter("header", "Range", "The range of bytes that is asked for; one only.", {"type": "string"})
IF_NONE_MATCH = parameter("header", "If-None-Match", "An entity tag: the sha256.", {"type": "string"})
BYTES = {
    200: answer("The picture", PICTURE, media_type="image/*", headers={"ETag": "The sha256 of the bytes."}),
    206: answer(
        "A part of the picture", PICTURE, media_type="image/*", headers={"Content-Range": "Which part."}
    ),
    304: answer("The client has the picture already"),
}
_EVENT_ID = re.compile(r"\d{1,20}(?:-\d{1,20})?")


@blueprint.get("/events")
@described(
    blueprint,
    "streamEvents",
    {200: answer("Events until `done`", {"type": "string"}, media_type="text/event-stream")},
    problems=(400, 404, 410, 503),
    parameters=(parameter("header", "Last-Event-ID", "Resume after this event.", {"type": "string"}),),
)
def stream_events(job_id: str) -> Response:
    """Follow a job by server-sent events.

    `state` and `progress` tell what changed, `done` carries the whole job and is the last. Every event has
    an id: send the last one as `Last-Event-ID` to go on after it.
    """
    after = last_event_id()
    services().store.get(job_id, owner())
    seats = waits()
    if not seats.take():
        raise TooManyListeners("as many clients as can be served are listening; poll the job meanwhile")
    stream = EventStream(services(), renderer(), job_id=job_id, owner=owner(), after=after)
    response = Response(stream.frames(partial(seats.gone, request.environ)), mimetype="text/event-stream")
    response.call_on_close(seats.leave)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def last_event_id() -> str:
    """Return the event after which a client goes on; raise InvalidHeader."""
    given = request.headers.get("Last-Event-ID", "0-0")
    if _EVENT_ID.fullmatch(given) is None:
        raise InvalidHeader("Last-Event-ID must be the id of an event of this stream")
    return given


@blueprint.get("/result")
@described(
    blueprint,
    "getResult",
    {303: answer("The first picture is there", headers={"Location": "Where it is."})},
    problems=(404, 409, 410, 503),
)
def get_result(job_id: str) -> Response:
    """Go to a job's first picture."""
    job = services().store.get(job_id, owner())
    if job.status is not Status.SUCCEEDED or not job.outputs:
        raise ResultUnavailable(f"the job is {job.status}; a result is there once it is succeeded")
    return Response(status=303, headers={"Location": f"{base_url()}{job_path(job.id)}/outputs/0"})


@blueprint.get("/preview")
@described(
    blueprint,
    "getPreview",
    {200: answer("The latest preview", PICTURE, media_type="image/*")},
    problems=(404, 410, 503),
    parameters=(parameter("query", "step", "Ignored: the latest is sent.", {"type": "integer"}),),
)
def get_preview(job_id: str) -> Response:
    """Look at the work so far.

    A running job that optimizes shows a small picture every `optimize.preview_every` steps. Its progress, and
    the `progress` events that bring a new one, say so in `preview_url`, which differs from one to the next.
    """
    job = services().store.get(job_id, owner())
    key = job.progress.preview if job.progress else None
    if key is None:
        raise PreviewUnavailable("the job shows no preview now")
    response = Response(services().objects.get(key), mimetype=PREVIEW_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@blueprint.get("/outputs/<int:index>")
@described(blueprint, "getOutput", BYTES, problems=(404, 410, 416, 503), parameters=(RANGE, IF_NONE_MATCH))
def get_output(job_id: str, index: int) -> Response:
    """Download one of a job's pictures. It never changes."""
    job = services().store.get(job_id, owner())
    if index >= len(job.outputs):
        raise OutputNotFound(f"the job has {len(job.outputs)} outputs, counted from 0; there is no {index}")
    output = job.outputs[index]
    content = Content(
        key=output.key,
        media_type=output.media_type,
        size=output.bytes,
        sha256=output.sha256,
        name=f"{job.id}-{index}.{output.media_type.rpartition('/')[2]}",
    )
    return send(content, services().objects)
