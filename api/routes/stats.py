"""The numbers of the queue, for operators and what watches the service."""

from typing import Annotated

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import needs
from api.openapi import TaggedBlueprint, documented, operation, ref
from api.requests.query import parameters_of, read_query
from api.responses.representation import json_response
from api.responses.stats_views import stats_view
from api.services import services
from shared.access.key import Scope
from shared.jobs.stats import read_stats

blueprint = TaggedBlueprint("stats", tag="Queue", url_prefix="/v1/stats")


class StatsQuery(BaseModel):
    """What the numbers take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    within: Annotated[float, Field(ge=1, le=604_800)] = Field(
        default=60, description="Seconds in which all that waits and runs is to end, for `workers.wanted`."
    )


@blueprint.get("")
@operation(
    "getStats",
    {200: documented("The numbers", ref("StatsView"))},
    problems=(422, 503),
    parameters=parameters_of(StatsQuery),
)
@needs(Scope.METRICS)
def get_stats() -> Response:
    """Read the numbers of the queue: by lane, by model, by owner.

    They are read in one step, of all owners. Items of paused batches, jobs that wait for a time and jobs that
    follow an equal one do not count as waiting: no worker could start them.
    """
    query = read_query(StatsQuery)
    workers = services().roster.live()
    stats = read_stats(services().store.scripts, sum(worker.at_full_speed for worker in workers))
    view = stats_view(stats, workers, query.within)
    return json_response(view, headers={"Cache-Control": "no-store"})
