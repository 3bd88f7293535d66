"""The numbers of the queue, and how jobs failed."""

from typing import Annotated

from flask import Response
from pydantic import Field

from api.auth import needs
from api.openapi import TaggedBlueprint, documented, operation, ref
from api.requests.query import Moment, QueryModel, parameters_of, read_query
from api.responses.representation import json_response
from api.responses.stats_views import FailureList, stats_view
from api.services import links, owner, services
from shared.access.key import Scope
from shared.jobs.failures import DAY_HOURS, KEPT_HOURS, read_failures
from shared.jobs.rendering import failure_views
from shared.jobs.stats import read_stats
from shared.jobs.views import rfc3339

blueprint = TaggedBlueprint("stats", tag="Queue", url_prefix="/v1")
DAYS = KEPT_HOURS // DAY_HOURS


class StatsQuery(QueryModel):
    """What the numbers take."""

    within: Annotated[float, Field(ge=1, le=604_800)] = Field(
        default=60, description="Seconds in which all that waits and runs is to end, for `workers.wanted`."
    )


@blueprint.get("/stats")
@operation(
    "getStats",
    {200: documented("The numbers", ref("StatsView"))},
    problems=(422, 503),
    parameters=parameters_of(StatsQuery),
)
@needs(Scope.METRICS)
def get_stats() -> Response:
    """Read the numbers of the queue: by lane, by model, by owner.

    They are read in one step, of all owners. Jobs that wait for a time and jobs that follow an equal one do
    not count as waiting, as no worker could start them, and what is paused counts apart.
    """
    query = read_query(StatsQuery)
    workers = services().roster.live()
    stats = read_stats(services().store.scripts, workers)
    view = stats_view(stats, workers, query.within)
    return json_response(view, headers={"Cache-Control": "no-store"})


class FailuresQuery(QueryModel):
    """What the failures take."""

    since: Moment | None = Field(
        default=None,
        description="A time with its zone (RFC 3339); its whole hour counts. At most "
        f"{DAYS} days ago; without it, a day ago.",
    )


@blueprint.get("/failures")
@operation(
    "listFailures",
    {200: documented("The failures", ref("FailureList"))},
    problems=(422, 503),
    parameters=parameters_of(FailuresQuery),
)
@needs(Scope.READ)
def list_failures() -> Response:
    """Read how jobs and items of batches failed or expired, by code, with an example and what to do.

    What happened is counted: a job that was tried again or deleted since then still counts.
    """
    since = read_query(FailuresQuery).since
    milliseconds = None if since is None else int(since.timestamp() * 1000)
    first, found = read_failures(services().store.scripts, owner(), milliseconds)
    body = {"object": "list", "since": rfc3339(first), "data": failure_views(found, links())}
    return json_response(FailureList.model_validate(body), headers={"Cache-Control": "no-store"})
