"""The items of a batch: add, list, and read their results."""

from functools import partial
from typing import Any

from flask import Response
from pydantic import Field

from api.auth import needs
from api.batches.body import JSON_LINES, sent_items
from api.batches.schemas import Appended
from api.batches.submission import append_items
from api.events import stream_response
from api.following import wait
from api.openapi import EVENTS, LAST_EVENT_ID, TaggedBlueprint, body, documented, listed, operation, ref
from api.requests.query import (
    PARTS,
    PageQuery,
    Place,
    QueryModel,
    StatusName,
    parameters_of,
    read_query,
)
from api.requests.read_request import JobField
from api.resources import batches, jobs
from api.responses.job_views import JobPage
from api.responses.representation import json_response, page_response
from api.routes.batches import LINES
from api.services import links, owner, services
from shared.access.key import Scope
from shared.batches.batch import Batch, FinishedItems
from shared.batches.rendering import result_view
from shared.batches.views import FinishedPage

blueprint = TaggedBlueprint("batch_items", tag="Batches", url_prefix="/v1/batches/<batch_id>")


class AppendQuery(QueryModel):
    """Where further items go."""

    first: Place | None = Field(
        default=None,
        description="Index of the first of these items. The same items sent again to the same place change "
        "nothing; without it they are added at the end, whatever was sent before.",
    )


class ItemsQuery(PageQuery):
    """Which items."""

    status: StatusName | None = Field(default=None, description="Only items of this status.")
    fields: list[JobField] | None = Field(default=None, description=PARTS)


class FinishedQuery(QueryModel):
    """Which results."""

    after: Place = Field(
        default=0, description="How many results to pass over: the `next_after` of the page before."
    )
    limit: int = Field(
        default=200, ge=1, le=500, description="Results on a page at most; of large jobs there are fewer."
    )
    wait: float = Field(default=0, ge=0, description="Seconds to wait at most, while there is no result.")


@blueprint.post("/items")
@operation(
    "appendItems",
    {200: documented("The items are taken", ref("Appended"))},
    problems=(400, 404, 409, 410, 413, 415, 422, 429, 503, 507),
    parameters=parameters_of(AppendQuery),
    request_body=body({"application/json": ref("ItemsRequest"), **dict.fromkeys(JSON_LINES, LINES)}),
)
@needs(Scope.SUBMIT)
def append(batch_id: str) -> Response:
    """Add items to an open batch: all of them, or none where one is at fault."""
    place = read_query(AppendQuery)
    batch = services().batches.get(batch_id, owner())
    source = sent_items()
    first = batch.counts["total"] if place.first is None else place.first
    total = append_items(services(), batch, source, first=first)
    view = Appended(object="batch.items", batch_id=batch_id, first=first, count=source.count, total=total)
    return json_response(view)


@blueprint.get("/items")
@operation(
    "listItems",
    listed("items", "JobPage"),
    problems=(404, 410, 422, 503),
    parameters=parameters_of(ItemsQuery),
)
@needs(Scope.READ)
def list_items(batch_id: str) -> Response:
    """List the items of a batch as jobs, by index."""
    query = read_query(ItemsQuery)
    fields = query.fields
    only: Any = {"status": query.status, "limit": query.limit, "cursor": query.cursor}
    page = services().batches.items(batch_id, owner(), fields=fields, **only)
    return page_response(JobPage, page, partial(jobs().view, fields=fields), fields=fields)


@blueprint.get("/finished")
@operation(
    "listFinished",
    {200: documented("A page of results", ref("FinishedPage"))},
    problems=(404, 410, 422, 503),
    parameters=parameters_of(FinishedQuery),
)
@needs(Scope.READ)
def list_finished(batch_id: str) -> Response:
    """List results in the order in which the items ended, as soon as they did.

    Go on with `next_after`, until `done`. With `wait` the answer comes when there is a further result.
    """
    query = read_query(FinishedQuery)
    batch = services().batches.get(batch_id, owner())
    page = _finished(batch, query)
    if query.wait and not page.items and not batch.is_done:
        longest = services().settings.api.max_wait_seconds
        batch = wait(batches(), batch, partial(_has_more, query=query), min(query.wait, longest))
        page = _finished(batch, query)
    where = links()
    view = FinishedPage(
        object="list",
        data=[result_view(job, where) for job in page.items],
        next_after=page.next,
        done=batch.is_done and page.is_last,
    )
    return json_response(view, headers={"Cache-Control": "no-store"})


def _finished(batch: Batch, query: FinishedQuery) -> FinishedItems:
    return services().batches.finished(batch.id, batch.owner, after=query.after, limit=query.limit)


def _has_more(batch: Batch, query: FinishedQuery) -> bool:
    return batch.is_done or bool(_finished(batch, query).items)


@blueprint.get("/events")
@operation("streamBatchEvents", EVENTS, problems=(400, 404, 410, 503), parameters=(LAST_EVENT_ID,))
@needs(Scope.READ)
def stream_batch_events(batch_id: str) -> Response:
    """Follow a batch by server-sent events.

    `state` tells what became of the batch, `item` how an item ended, `done` carries the whole batch and is
    the last. Only the latest events are kept: who must miss none reads `/finished`.
    """
    return stream_response(batches(), batch_id, owner())
