"""What changes of all of an owner's jobs and batches, as one stream."""

from typing import Annotated, Literal

from flask import Response
from pydantic import Field

from api.auth import needs, require
from api.events import last_event_id, sent
from api.openapi import LAST_EVENT_ID, TEXT, TaggedBlueprint, documented, operation
from api.owner_events import OwnerStream
from api.requests.query import QueryModel, parameters_of, read_query
from api.services import owner, services
from shared.access.key import Scope
from shared.identifiers import BATCH_ID
from shared.jobs.changes import ChangeQueries

blueprint = TaggedBlueprint("events", tag="Queue", url_prefix="/v1")
EventType = Literal["job", "batch"]


class EventsQuery(QueryModel):
    """Which events."""

    types: list[EventType] = Field(
        default=["job", "batch"],
        description="Tell of these only, with commas between them.",
    )
    batch: Annotated[str, Field(pattern=BATCH_ID)] | None = Field(
        default=None, description="Tell of this batch only."
    )
    owner: str | None = Field(
        default=None,
        max_length=64,
        description="Tell of this owner's jobs and batches; with the scope `admin`.",
    )


@blueprint.get("/events")
@operation(
    "streamAllEvents",
    {200: documented("Events, without an end", TEXT, media_type="text/event-stream")},
    problems=(400, 404, 410, 422, 503),
    parameters=(LAST_EVENT_ID, *parameters_of(EventsQuery)),
)
@needs(Scope.READ)
def stream_events() -> Response:
    """Follow all of your jobs and batches by server-sent events, over one connection.

    `job` and `batch` tell that one is new or has changed: its `id`, `status`, whether it is `done`; of a job
    its `version` and `progress` too, of a batch its `counts`, which stand for its items. `deleted` tells that
    one is gone, with the `reason` `reclaimed` where it went to make room. What changes within a quarter of a
    second is told as one change, so that states may be left out; the latest is always told.

    `reset` comes first, unless `Last-Event-ID` names an event that is known: read the lists then, for what
    was before is not told. With the `reason` `lost`, changes after that event may be missing: more than 1,000
    jobs and batches changed, or nobody listened for an hour.
    """
    query = read_query(EventsQuery)
    whose = query.owner or owner()
    if whose != owner():
        require(Scope.ADMIN)
    after = last_event_id()
    if query.batch:
        services().batches.get(query.batch, whose)
    changes = ChangeQueries(services().store.scripts)
    stream = OwnerStream(changes, whose, after, kinds=query.types, batch=query.batch)
    return sent(stream, instead="poll meanwhile, with `POST /v1/jobs:read`")
