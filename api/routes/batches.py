"""Batches: submit, list, read, delete, and change."""

from functools import partial
from typing import Literal

from flask import Response, request
from pydantic import Field

from api.auth import needs
from api.batches.body import JSON_LINES, OBJECTS, sent_batch
from api.batches.placed import refuse_from_place
from api.batches.schemas import BatchPage, Retried
from api.batches.submission import estimate_batch, submit_batch
from api.following import accepted_response, is_done, record_response, wait
from api.jobs.estimates import estimate_response
from api.jobs.workers import notify_for
from api.openapi import (
    KEY,
    PREFER,
    REFUSED,
    TaggedBlueprint,
    body,
    documented,
    listed,
    operation,
    parameter,
    read,
    ref,
    submitted,
    waiting,
)
from api.requests.body import optional_json_body
from api.requests.field_errors import validated
from api.requests.headers import idempotency_key, wait_seconds
from api.requests.move_request import asked_move
from api.requests.pause_request import BatchPauseRequest
from api.requests.query import PARTS, DryRunQuery, PageQuery, is_dry_run, parameters_of, read_query
from api.resources import batches
from api.responses.representation import conditional, json_response, page_response, require_version
from api.services import caller_name, check_room, owner, services
from shared.access.key import Scope
from shared.batches.request import Envelope
from shared.batches.views import BatchView
from shared.redis.client import server_time

blueprint = TaggedBlueprint("batches", tag="Batches", url_prefix="/v1/batches")

LINES = {"type": "string", "description": "One item a line; blank lines are skipped."}
SETTLED = {**LINES, "description": 'One item a line; the first or the last may be `{"batch": settings}`.'}
SETTINGS = [
    parameter("query", entry["name"], f"{entry['description']} As JSON.", {"type": "string"})
    if entry["name"] in OBJECTS
    else entry
    for entry in parameters_of(Envelope)
    if entry["name"] not in ("items", "template", "source")
]
ONE = (404, 410, 503)


FIELDS = tuple(BatchView.model_fields)
BatchField = Literal[FIELDS]  # type: ignore[valid-type]


class BatchesQuery(PageQuery):
    """Which batches, and what of them."""

    fields: list[BatchField] | None = Field(default=None, description=PARTS)


MOVED = {200: documented("The batch", ref("BatchView"))}


@blueprint.post("")
@operation(
    "submitBatch",
    submitted("batch", "BatchView"),
    problems=(*REFUSED, 507),
    parameters=(PREFER, KEY, *parameters_of(DryRunQuery), *SETTINGS),
    request_body=body({"application/json": ref("BatchRequest"), **dict.fromkeys(JSON_LINES, SETTLED)}),
)
@needs(Scope.SUBMIT)
def post_batch() -> Response:
    """Submit many jobs as one batch.

    As JSON: settings, and `items`, or a `template` whose lists are multiplied. As lines of JSON: one item a
    line, and the settings in the first or the last line, `{"batch": {...}}`, or, where they are short, in the
    query (`metadata` as JSON). Either all items are accepted or none; every fault is told by the item's
    place. A batch of `open: true` takes more items until it is finalized. As JSON a batch may have 8 MiB, and
    each item what a job may have.
    """
    key, is_trial = idempotency_key(), is_dry_run(alone=request.mimetype not in JSON_LINES)
    if is_trial:
        return estimate_response(services(), owner(), estimate_batch(services(), sent_batch, owner(), key))
    batch, created = submit_batch(services(), sent_batch(), owner(), key)
    return accepted_response(batches(), batch, created=created)


@blueprint.get("")
@operation(
    "listBatches",
    listed("batches", "BatchPage"),
    problems=(422, 503),
    parameters=parameters_of(BatchesQuery),
)
@needs(Scope.READ)
def list_batches() -> Response:
    """List batches, newest first."""
    query = read_query(BatchesQuery)
    fields = query.fields
    page = services().batches.page(owner(), limit=query.limit, cursor=query.cursor, fields=fields)
    return page_response(BatchPage, page, partial(batches().view, fields=fields), fields=fields)


@blueprint.get("/<batch_id>")
@operation(
    "getBatch", read("batch", "BatchView"), problems=(404, 410, 422, 503), parameters=waiting("its end")
)
@needs(Scope.READ)
def get_batch(batch_id: str) -> Response:
    """Read a batch, or wait for its end."""
    seconds = wait_seconds()
    batch = services().batches.get(batch_id, owner())
    if seconds:
        batch = wait(batches(), batch, is_done, seconds)
    return conditional(record_response(batches(), batch))


@blueprint.delete("/<batch_id>")
@operation("deleteBatch", {204: documented("The batch is forgotten")}, problems=(404, 409, 410, 412, 503))
@needs(Scope.SUBMIT)
def delete_batch(batch_id: str) -> Response:
    """Forget a batch that is done, with its items and their pictures."""
    require_version(lambda: record_response(batches(), services().batches.get(batch_id, owner())))
    services().batches.delete(batch_id, owner())
    return Response(status=204)


@blueprint.post("/<batch_id>/finalize")
@operation("finalizeBatch", MOVED, problems=(409, *ONE))
@needs(Scope.SUBMIT)
def finalize_batch(batch_id: str) -> Response:
    """Say that an open batch has all of its items."""
    refuse_from_place(services().batches.get(batch_id, owner()))
    services().batches.finalize(batch_id, owner())
    return record_response(batches(), services().batches.get(batch_id, owner()))


@blueprint.post("/<batch_id>/pause")
@operation(
    "pauseBatch",
    MOVED,
    problems=(400, 409, 413, 415, 422, *ONE),
    request_body=body({"application/json": ref("BatchPauseRequest")}, required=False),
)
@needs(Scope.SUBMIT)
def pause_batch(batch_id: str) -> Response:
    """Start no further item; those that run end as they would.

    With an end the batch goes on by itself. Another pause replaces the reason and the end.
    """
    wanted = validated(BatchPauseRequest, optional_json_body())
    ends_at = wanted.ends_at(server_time(services().store.client))
    services().batches.pause(batch_id, owner(), reason=wanted.reason or "", by=caller_name(), ends_at=ends_at)
    return record_response(batches(), services().batches.get(batch_id, owner()))


@blueprint.post("/<batch_id>/resume")
@operation("resumeBatch", MOVED, problems=(409, *ONE))
@needs(Scope.SUBMIT)
def resume_batch(batch_id: str) -> Response:
    """Go on with a batch that was paused."""
    services().batches.resume(batch_id, owner())
    batch = services().batches.get(batch_id, owner())
    notify_for(services(), batch)
    return record_response(batches(), batch)


@blueprint.post("/<batch_id>/cancel")
@operation("cancelBatch", MOVED, problems=(409, *ONE))
@needs(Scope.SUBMIT)
def cancel_batch(batch_id: str) -> Response:
    """Cancel every item that is not done. Finished ones stay."""
    services().batches.cancel(batch_id, owner())
    return record_response(batches(), services().batches.get(batch_id, owner()))


@blueprint.post("/<batch_id>/pin")
@operation("pinBatch", MOVED, problems=(409, *ONE))
@needs(Scope.SUBMIT)
def pin_batch(batch_id: str) -> Response:
    """Keep a batch, its items and their pictures until it is unpinned or deleted.

    It does not expire, and is never removed to make room.
    """
    services().batches.pin(batch_id, owner())
    return record_response(batches(), services().batches.get(batch_id, owner()))


@blueprint.post("/<batch_id>/unpin")
@operation("unpinBatch", MOVED, problems=(409, *ONE))
@needs(Scope.SUBMIT)
def unpin_batch(batch_id: str) -> Response:
    """Let a batch expire again; if it is done, its time to live begins now."""
    services().batches.unpin(batch_id, owner())
    return record_response(batches(), services().batches.get(batch_id, owner()))


@blueprint.post("/<batch_id>/move")
@operation(
    "moveBatch",
    MOVED,
    problems=(400, 409, 413, 415, 422, *ONE),
    request_body=body({"application/json": ref("MoveRequest")}),
)
@needs(Scope.SUBMIT)
def move_batch(batch_id: str) -> Response:
    """Move a batch to the front or the back of your queue, or into the other lane, or both.

    All items go that wait, are paused, or come later; those that run go on. Other owners have their turns as
    before.
    """
    services().batches.move(batch_id, owner(), asked_move())
    batch = services().batches.get(batch_id, owner())
    notify_for(services(), batch)
    return record_response(batches(), batch)


@blueprint.post("/<batch_id>/retry-failed")
@operation(
    "retryFailed", {200: documented("How many go again", ref("Retried"))}, problems=(409, 429, *ONE, 507)
)
@needs(Scope.SUBMIT)
def retry_failed(batch_id: str) -> Response:
    """Run every item again that failed or expired. A completed batch runs again."""
    check_room(services())
    count = services().batches.retry_failed(batch_id, owner())
    notify_for(services(), services().batches.get(batch_id, owner()))
    view = Retried(object="batch.retry", batch_id=batch_id, count=count)
    return json_response(view)
