"""Bulk actions: one thing to do with all jobs that a filter admits."""

import json

from flask import Response

from api.audit import audit
from api.auth import needs, require
from api.jobs.submission import HEADER, mismatch, terms_of
from api.openapi import KEY, TaggedBlueprint, body, documented, listed, operation, ref
from api.requests.action_request import ActionRequest
from api.requests.body import json_body
from api.requests.field_errors import validated
from api.requests.headers import idempotency_key
from api.requests.query import PageQuery, parameters_of, read_query
from api.responses.action_views import ActionPage
from api.responses.representation import json_response, page_response
from api.services import check_room, links, owner, services
from shared.access.key import Scope
from shared.actions.action import Action, ActionDraft, Deed
from shared.actions.store import ActionStore
from shared.actions.views import ActionView, action_view
from shared.audit import Event
from shared.errors import IdempotencyMismatch
from shared.identifiers import new_action_id, sha256

blueprint = TaggedBlueprint("actions", tag="Actions", url_prefix="/v1/actions")

ACTION = documented("The action", ref("ActionView"))
FRESH = {"Cache-Control": "no-store"}


def _store() -> ActionStore:
    return ActionStore(services().store)


def _view(action: Action) -> ActionView:
    return action_view(action, links())


@blueprint.post("")
@operation(
    "beginAction",
    {
        202: documented(
            "The action goes on",
            ref("ActionView"),
            headers={
                "Location": "Where it is.",
                "Idempotency-Replayed": "`true` where it was there before.",
            },
        )
    },
    problems=(400, 413, 415, 422, 503, 507),
    parameters=(KEY,),
    request_body=body({"application/json": ref("ActionRequest")}),
)
@needs(Scope.SUBMIT)
def begin_action() -> Response:
    """Cancel, retry, delete or move all jobs that a filter admits.

    It is carried out some jobs at a time, whatever process dies, and counts each once. Jobs that are accepted
    after it began are not touched. With `dry_run` it counts the jobs and changes nothing. Items of batches
    are canceled and tried again where the filter lists them; they are deleted and moved with their batch.
    Its `webhook` is told once, at the end, with the counts.
    """
    asked = validated(ActionRequest, json_body())
    asked.check()
    if asked.owner not in (None, owner()):
        require(Scope.ADMIN)
    if asked.do is Deed.RETRY and not asked.dry_run:
        check_room(services())
    try:
        action, created = _store().begin(_draft(asked))
    except IdempotencyMismatch as error:
        raise mismatch(HEADER) from error
    if created and action.of != owner():
        audit(Event.ACTION_BEGUN, subject=action.id, subject_owner=action.of)
    view = _view(action)
    replayed = {} if created else {"Idempotency-Replayed": "true"}
    return json_response(view, 202, {"Location": view.urls.self, **FRESH, **replayed})


def _draft(asked: ActionRequest) -> ActionDraft:
    sent = asked.model_dump(mode="json", exclude_unset=True)
    return ActionDraft(
        id=new_action_id(),
        owner=owner(),
        of=asked.owner or owner(),
        deed=asked.do,
        only=asked.filter.filters,
        items=asked.items,
        asked=sent["filter"],
        fingerprint=sha256(json.dumps(sent, sort_keys=True).encode()),
        move=asked.move,
        dry_run=asked.dry_run,
        idempotency_key=idempotency_key(),
        webhook=terms_of(asked.webhook, services().settings),
    )


@blueprint.get("")
@operation(
    "listActions", listed("actions", "ActionPage"), problems=(422, 503), parameters=parameters_of(PageQuery)
)
@needs(Scope.READ)
def list_actions() -> Response:
    """List bulk actions, newest first."""
    query = read_query(PageQuery)
    page = _store().page(owner(), limit=query.limit, cursor=query.cursor)
    return page_response(ActionPage, page, _view)


@blueprint.get("/<action_id>")
@operation("getAction", {200: ACTION}, problems=(404, 503))
@needs(Scope.READ)
def get_action(action_id: str) -> Response:
    """Read a bulk action: how far it is, and what it counted.

    One that is over is forgotten after 7 days.
    """
    return json_response(_view(_store().get(action_id, owner())), headers=FRESH)


@blueprint.post("/<action_id>/cancel")
@operation("cancelAction", {200: ACTION}, problems=(404, 409, 503))
@needs(Scope.SUBMIT)
def cancel_action(action_id: str) -> Response:
    """Stop a bulk action. What it has done stays done, and is counted."""
    _store().cancel(action_id, owner())
    return json_response(_view(_store().get(action_id, owner())), headers=FRESH)
