"""A plan: what many jobs would take of workers, time, storage and the job store."""

from datetime import timedelta
from typing import Annotated

from flask import Response
from pydantic import Field

from api.auth import needs
from api.openapi import TaggedBlueprint, documented, operation, ref
from api.requests.query import QueryModel, parameters_of, read_query
from api.responses.plan_views import plan_view
from api.responses.representation import json_response
from api.services import services
from shared.access.key import Scope
from shared.cards.card import ModelCard
from shared.errors import InvalidRequest
from shared.images.limits import ImageLimits, check_size
from shared.owners.usage import UsageStore
from shared.planning.plan import Asked, Measured, plan
from shared.planning.rates import OneJob, one_job
from shared.redis.memory_guard import read_memory
from shared.specs.parts import PictureSize

blueprint = TaggedBlueprint("plans", tag="Queue", url_prefix="/v1")

LOOKED_BACK_DAYS = 31  # into the usage


class PlanQuery(QueryModel):
    """What is planned."""

    jobs: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(description="How many jobs.")
    deadline_seconds: Annotated[int, Field(ge=1, le=366 * 24 * 3600)] = Field(
        description="In how many seconds all of them are to be done."
    )
    model: str | None = Field(
        default=None, max_length=200, description="Of all jobs; without it, that of jobs of type `generate`."
    )
    size: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}x[1-9][0-9]{0,5}$")] | None = Field(
        default=None, description="Width and height of each content picture in pixels: `1024x768`."
    )
    workers: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="Say how long so many workers take; without it, those that live."
    )


@blueprint.get("/plan")
@operation(
    "getPlan",
    {200: documented("The plan", ref("PlanView"))},
    problems=(404, 422, 503),
    parameters=parameters_of(PlanQuery),
)
@needs(Scope.METRICS)
def get_plan() -> Response:
    """Say what many jobs would take: workers, hours, storage, memory of the job store.

    Each number is a range, with what it rests on: what was measured here, else what the documentation has.
    Nothing is accepted or stored.
    """
    query = read_query(PlanQuery)
    catalog = services().catalog
    card = catalog.default("generate") if query.model is None else catalog.get(query.model)
    asked = Asked(
        job=_job(card, query.size),
        jobs=query.jobs,
        deadline_seconds=query.deadline_seconds,
        workers=query.workers,
        kept_seconds=services().settings.jobs.retention_seconds,
    )
    found = plan(asked, _measured())
    return json_response(plan_view(asked, found), headers={"Cache-Control": "no-store"})


def _job(card: ModelCard, size: str | None) -> OneJob:
    if size is None:
        return one_job(card, None)
    if card.kind == "generate":
        text = f"{card.name} makes pictures of one size of its own: leave size out"
        raise InvalidRequest.of_field("/size", text)
    width, height = map(int, size.split("x"))
    check_size((width, height), ImageLimits.of(services().settings.limits), "/size")
    return one_job(card, PictureSize(width, height))


def _measured() -> Measured:
    store = services().store
    usage = UsageStore(store.scripts)
    today = usage.today()
    days = usage.read(today - timedelta(days=LOOKED_BACK_DAYS - 1), today)
    return Measured(
        durations=services().queries.durations(),
        used=[entry.usage for entry in days],
        workers=services().roster.live(),
        memory=read_memory(store.client),
    )
