"""Quotas and usage: what owners may have, what they have, and what their jobs took."""

import re
from datetime import date, timedelta

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from api.audit import audit
from api.auth import needs, require
from api.openapi import TaggedBlueprint, body, documented, operation, ref
from api.requests.body import json_body
from api.requests.field_errors import validated
from api.requests.move_request import asked_move
from api.requests.query import parameters_of, read_query
from api.responses.owner_views import OwnLimits, UsageList, quota_view, usage_view
from api.responses.representation import json_response
from api.services import owner, services
from shared.access.key import NAME, Scope
from shared.audit import Event
from shared.errors import InvalidRequest
from shared.owners.usage import UsageStore

blueprint = TaggedBlueprint("owners", tag="Owners", url_prefix="/v1")

ALL = "*"
MOST_DAYS = 31  # in one response
QUOTA = documented("The quota", ref("QuotaView"))
MOVE = body({"application/json": ref("MoveRequest")})
MOVED = {204: documented("It has its new place")}
MOVE_PROBLEMS = (400, 404, 409, 410, 413, 415, 422, 503)


class UsageQuery(BaseModel):
    """Whose usage, and of which days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: date | None = Field(default=None, description="First day; without it, 30 days before the last.")
    until: date | None = Field(default=None, description="Last day; without it, today, in UTC.")
    owner: str | None = Field(
        default=None, max_length=64, description="Another owner, or `*` for all; for admins."
    )


@blueprint.get("/quota")
@operation("getQuota", {200: QUOTA}, problems=(503,))
@needs(Scope.READ)
def get_quota() -> Response:
    """Read what you may have, and what you have."""
    return _quota(owner())


@blueprint.get("/owners/<name>/quota")
@operation("getQuotaOfOwner", {200: QUOTA}, problems=(422, 503))
@needs(Scope.ADMIN)
def get_quota_of_owner(name: str) -> Response:
    """Read what an owner may have, and what it has."""
    return _quota(_checked(name))


@blueprint.put("/owners/<name>/quota")
@operation(
    "setQuotaOfOwner",
    {200: QUOTA},
    problems=(400, 413, 415, 422, 503),
    request_body=body({"application/json": ref("OwnLimits")}),
)
@needs(Scope.ADMIN)
def set_quota_of_owner(name: str) -> Response:
    """Set what an owner may have, from the next request on, and its weight in the turns of owners.

    What is null or left out is as the service's settings have it; 0 is no limit. What was accepted stays.
    """
    limits = validated(OwnLimits, json_body())
    services().quotas.set(_checked(name), limits.model_dump())
    audit(Event.QUOTA_SET, subject_owner=name, **limits.model_dump())
    return _quota(name)


@blueprint.post("/owners/<name>/jobs/<job_id>/move")
@operation("moveJobOfOwner", MOVED, problems=MOVE_PROBLEMS, request_body=MOVE)
@needs(Scope.ADMIN)
def move_job_of_owner(name: str, job_id: str) -> Response:
    """Move a waiting job of an owner in that owner's queue."""
    services().store.move(job_id, _checked(name), asked_move())
    return _moved(name, job_id)


@blueprint.post("/owners/<name>/batches/<batch_id>/move")
@operation("moveBatchOfOwner", MOVED, problems=MOVE_PROBLEMS, request_body=MOVE)
@needs(Scope.ADMIN)
def move_batch_of_owner(name: str, batch_id: str) -> Response:
    """Move what waits of a batch of an owner in that owner's queue."""
    services().batches.move(batch_id, _checked(name), asked_move())
    return _moved(name, batch_id)


def _moved(name: str, subject: str) -> Response:
    audit(Event.WORK_MOVED, subject=subject, subject_owner=name)
    return Response(status=204)


@blueprint.get("/usage")
@operation(
    "getUsage",
    {200: documented("The usage", ref("UsageList"))},
    problems=(422, 503),
    parameters=parameters_of(UsageQuery),
)
@needs(Scope.READ)
def get_usage() -> Response:
    """Read what jobs took, by day, owner, API key and model; 31 days at most in one response."""
    query = read_query(UsageQuery)
    if query.owner not in (None, owner()):
        require(Scope.ADMIN)
    store = UsageStore(services().store.scripts)
    since, until = _days(query, store.today())
    whose = None if query.owner == ALL else query.owner or owner()
    data = [usage_view(entry) for entry in store.read(since, until, owner=whose)]
    view = UsageList(object="list", since=since.isoformat(), until=until.isoformat(), data=data)
    return json_response(view, headers={"Cache-Control": "no-store"})


def _days(query: UsageQuery, today: date) -> tuple[date, date]:
    since, until, most = query.since, query.until or today, timedelta(days=MOST_DAYS - 1)
    if since is None:
        since = until - min(most, until - date.min)
    elif query.until is None and since < today - most:
        until = since + most
    if not 0 <= (until - since).days < MOST_DAYS:
        text = f"until must be the day of since or at most {MOST_DAYS - 1} days later; got {since} to {until}"
        raise InvalidRequest.of_field("/until", text)
    return since, until


def _quota(name: str) -> Response:
    view = quota_view(name, services().quotas.read(name))
    return json_response(view, headers={"Cache-Control": "no-store"})


def _checked(name: str) -> str:
    """Return an owner's name; raise InvalidRequest where it is none."""
    if re.fullmatch(NAME, name) is None:
        raise InvalidRequest.of_field("/owner", "an owner is 1 to 64 lower case letters, digits, - and _")
    return name
