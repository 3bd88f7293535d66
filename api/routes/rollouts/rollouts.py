"""Versions of a model, how each does, and which share of the jobs gets a new one."""

from flask import Response

from api.audit import audit
from api.auth import needs
from api.jobs.workers import AvailableModels
from api.openapi import TaggedBlueprint, body, documented, operation, ref
from api.requests.body import json_body
from api.requests.field_errors import validated
from api.responses.representation import json_response
from api.responses.version_views import (
    RolloutRequest,
    VersionList,
    rollout_view,
    version_view,
)
from api.services import card_named, may_know_of_others, owner, services
from shared.access.key import Scope
from shared.audit import Event
from shared.cards.card import ModelCard
from shared.errors import InvalidRequest, UnknownModel
from shared.rollouts.choice import narrower
from shared.rollouts.outcomes import Outcomes, read_outcomes
from shared.workers import ReloadRequest, Worker

blueprint = TaggedBlueprint("rollouts", tag="Models", url_prefix="/v1/models/<name>")

NO_STORE = {"Cache-Control": "no-store"}
ROLLOUT = documented("The rollout", ref("RolloutView"))


@blueprint.get("/versions")
@operation("listVersions", {200: documented("The versions", ref("VersionList"))}, problems=(404, 503))
@needs(Scope.READ)
def list_versions(name: str) -> Response:
    """List the versions of a model, how its jobs did with each, and which one is rolled out.

    A job names one as `name@version`. Jobs that name none get the current version, or a share of them the one
    that is rolled out; the choice stays with the job.
    """
    current = card_named(card_named(name).name)
    cards, tells_all = services().catalog.versions(current.name), may_know_of_others()
    workers = services().roster.live()
    models = AvailableModels(services(), workers)
    rollout = services().rollouts.all().get(current.name)
    outcomes: list[Outcomes] | list[None] = [None] * len(cards)
    if tells_all:
        outcomes = read_outcomes(services().store.scripts, [card.reference for card in cards])
    found = VersionList(
        object="list",
        model=current.name,
        rollout=rollout_view(rollout, tells_all=tells_all) if rollout else None,
        data=[
            version_view(
                card,
                current=card.version == current.version,
                available=models.has(card),
                workers=_having(card, workers) if tells_all else None,
                outcomes=counted,
            )
            for card, counted in zip(cards, outcomes, strict=True)
        ],
    )
    return json_response(found, headers=NO_STORE)


def _having(card: ModelCard, workers: tuple[Worker, ...]) -> int:
    return sum(worker.has(card.reference) for worker in workers)


@blueprint.put("/rollout")
@operation(
    "setRollout",
    {200: ROLLOUT},
    problems=(400, 404, 413, 415, 422, 503),
    request_body=body({"application/json": ref("RolloutRequest")}),
)
@needs(Scope.ADMIN)
def set_rollout(name: str) -> Response:
    """Give a share of a model's new jobs another version, from a second later on.

    The others get the current version. Equal jobs get the same one, and a larger share has all jobs of a
    smaller one. What was accepted keeps its version, also when it is retried. Workers load both versions. The
    version must take every job that the current one takes, so that no job is refused by chance.
    """
    current, asked = card_named(card_named(name).name), validated(RolloutRequest, json_body())
    new = _version(current, asked.version)
    rollout = services().rollouts.begin(
        current.name, new.version, asked.share, current=current.version, by=owner()
    )
    ReloadRequest(services().store.scripts).make()  # workers then have both warm
    audit(Event.ROLLOUT_SET, subject=new.reference, share=asked.share)
    return json_response(rollout_view(rollout, tells_all=True), headers=NO_STORE)


def _version(current: ModelCard, version: str) -> ModelCard:
    """Return the card of a version that may be rolled out; raise what is wrong with it."""
    try:
        new = services().catalog.get(f"{current.name}@{version}")
    except UnknownModel as error:
        raise type(error).of_field("/version", error.detail) from error
    if new.version == current.version:
        detail = f"{version} is the current version of {current.name}: roll another one out"
        raise InvalidRequest.of_field("/version", detail)
    if faults := list(narrower(current, new)):
        raise InvalidRequest("; ".join(fault.detail for fault in faults), errors=faults)
    if fault := AvailableModels(services()).fault(new, "/version"):
        raise fault
    return new


@blueprint.delete("/rollout")
@operation("endRollout", {204: documented("All new jobs get the current version")}, problems=(404, 503))
@needs(Scope.ADMIN)
def end_rollout(name: str) -> Response:
    """Give all new jobs of a model its current version again, from a second later on.

    What was accepted keeps its version: cancel what waits for one that is bad.
    """
    rollout = services().rollouts.end(card_named(card_named(name).name).name)
    audit(Event.ROLLED_BACK, subject=rollout.reference)
    return Response(status=204)
