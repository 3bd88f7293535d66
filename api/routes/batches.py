"""Batches: submit, list, read, delete, and what can be done with one."""

from apiflask import APIBlueprint
from flask import Response

from api.auth import owner
from api.batches.body import JSON_LINES, OBJECTS, sent_batch
from api.batches.response import batch_answer, patiently, rendered, submitted_answer
from api.batches.schemas import BatchPage, Retried
from api.batches.submission import submit_batch
from api.jobs.notify import ring_for
from api.openapi import answer, body, described, parameter, ref
from api.requests.headers import idempotency_key, wait_seconds
from api.requests.query import PageQuery, parameters_of, read_query
from api.responses.page import page_answer
from api.responses.preconditions import conditional, require_version
from api.routes.jobs import ACCEPTED, KEY, PREFER, REFUSED
from api.services import services
from shared.batches.request import Envelope

blueprint = APIBlueprint("batches", __name__, tag="Batches", url_prefix="/v1/batches")

LINES = {"type": "string", "description": "One item a line; blank lines are skipped."}
SETTLED = {**LINES, "description": 'One item a line; the first or the last may be `{"batch": settings}`.'}
SUBMITTED = {
    200: answer("The batch is done already", ref("BatchView"), headers=ACCEPTED),
    202: answer(
        "The batch is accepted",
        ref("BatchView"),
        headers={**ACCEPTED, "Retry-After": "Seconds after which asking again is worth it."},
    ),
}
SETTINGS = [
    parameter("query", entry["name"], f"{entry['description']} As JSON.", {"type": "string"})
    if entry["name"] in OBJECTS
    else entry
    for entry in parameters_of(Envelope)
    if entry["name"] not in ("items", "template")
]
ONE = (404, 410, 503)
NEXT = {"Link": "The next page, where there is one."}
MOVED = {200: answer("The batch", ref("BatchView"))}


@blueprint.post("")
@described(
    blueprint,
    "submitBatch",
    SUBMITTED,
    problems=(*REFUSED, 507),
    parameters=(PREFER, KEY, *SETTINGS),
    request_body=body({"application/json": ref("BatchRequest"), **dict.fromkeys(JSON_LINES, SETTLED)}),
)
def post_batch() -> Response:
    """Submit many jobs as one batch.

    As JSON: settings, and `items`, or a `template` whose lists are multiplied. As lines of JSON: one item a
    line, and the settings in the first or the last line, `{"batch": {...}}`, or, where they are short, in the
    query (`metadata` as JSON). Either all items are accepted or none; every fault is told by the item's
    place. A batch of `open: true` takes more items until it is finalized.
    """
    key = idempotency_key()
    batch, created = submit_batch(services(), sent_batch(), owner(), key)
    return submitted_answer(batch, created=created)


@blueprint.get("")
@described(
    blueprint,
    "listBatches",
    {200: answer("A page of batches", ref("BatchPage"), headers=NEXT)},
    problems=(422, 503),
    parameters=parameters_of(PageQuery),
)
def list_batches() -> Response:
    """List batches, newest first."""
    query = read_query(PageQuery)
    page = services().batches.page(owner(), limit=query.limit, cursor=query.cursor)
    views = [rendered(batch) for batch in page.batches]
    return page_answer(BatchPage(object="list", data=views, next_cursor=page.next_cursor), page.next_cursor)


@blueprint.get("/<batch_id>")
@described(
    blueprint,
    "getBatch",
    {
        200: answer(
            "The batch",
            ref("BatchView"),
            headers={
                "ETag": "Changes with the representation.",
                "Retry-After": "Seconds after which asking again is worth it, while the batch is not done.",
            },
        ),
        304: answer("The batch is as `If-None-Match` says"),
    },
    problems=(404, 410, 422, 503),
    parameters=(
        parameter("query", "wait", "Seconds to wait for its end at most.", {"type": "number", "minimum": 0}),
        parameter("header", "If-None-Match", "The entity tag of the last answer.", {"type": "string"}),
    ),
)
def get_batch(batch_id: str) -> Response:
    """Read a batch, or wait for its end."""
    seconds = wait_seconds()
    batch = services().batches.get(batch_id, owner())
    if seconds:
        batch = patiently(batch, lambda known: known.is_done, seconds)
    return conditional(batch_answer(batch))


@blueprint.delete("/<batch_id>")
@described(
    blueprint, "deleteBatch", {204: answer("The batch is forgotten")}, problems=(404, 409, 410, 412, 503)
)
def delete_batch(batch_id: str) -> Response:
    """Forget a batch that is done, with its items and their pictures."""
    require_version(lambda: batch_answer(services().batches.get(batch_id, owner())))
    services().batches.delete(batch_id, owner())
    return Response(status=204)


@blueprint.post("/<batch_id>/finalize")
@described(blueprint, "finalizeBatch", MOVED, problems=(409, *ONE))
def finalize_batch(batch_id: str) -> Response:
    """Say that an open batch has all of its items."""
    services().batches.finalize(batch_id, owner())
    return batch_answer(services().batches.get(batch_id, owner()))


@blueprint.post("/<batch_id>/pause")
@described(blueprint, "pauseBatch", MOVED, problems=(409, *ONE))
def pause_batch(batch_id: str) -> Response:
    """Start no further item; those that run end as they would."""
    services().batches.pause(batch_id, owner())
    return batch_answer(services().batches.get(batch_id, owner()))


@blueprint.post("/<batch_id>/resume")
@described(blueprint, "resumeBatch", MOVED, problems=(409, *ONE))
def resume_batch(batch_id: str) -> Response:
    """Go on with a batch that was paused."""
    services().batches.resume(batch_id, owner())
    batch = services().batches.get(batch_id, owner())
    ring_for(services(), batch)
    return batch_answer(batch)


@blueprint.post("/<batch_id>/cancel")
@described(blueprint, "cancelBatch", MOVED, problems=(409, *ONE))
def cancel_batch(batch_id: str) -> Response:
    """Cancel every item that is not done. Finished ones stay."""
    services().batches.cancel(batch_id, owner())
    return batch_answer(services().batches.get(batch_id, owner()))


@blueprint.post("/<batch_id>/retry-failed")
@described(blueprint, "retryFailed", {200: answer("How many go again", ref("Retried"))}, problems=(409, *ONE))
def retry_failed(batch_id: str) -> Response:
    """Run every item again that failed or expired. A completed batch runs again."""
    count = services().batches.retry_failed(batch_id, owner())
    ring_for(services(), services().batches.get(batch_id, owner()))
    view = Retried(object="batch.retry", batch_id=batch_id, count=count)
    return Response(view.model_dump_json(), mimetype="application/json")
