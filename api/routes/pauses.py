"""Pauses: what is not started for a time. Batches have their own."""

from flask import Response

from api.audit import audit
from api.auth import needs, require
from api.openapi import KEY, TaggedBlueprint, body, documented, operation, ref
from api.requests.body import json_body
from api.requests.field_errors import validated
from api.requests.headers import idempotency_key
from api.requests.pause_request import PauseRequest
from api.responses.pause_views import PauseList, pause_view
from api.responses.representation import json_response
from api.services import may_know_of_others, owner, services
from shared.access.key import Scope
from shared.audit import Event
from shared.errors import PauseNotFound
from shared.pauses.pause import Pause
from shared.pauses.store import PauseDraft, PauseStore

blueprint = TaggedBlueprint("pauses", tag="Queue", url_prefix="/v1/pauses")

NO_STORE = {"Cache-Control": "no-store"}
PAUSE = documented("The pause", ref("PauseView"))


def _store() -> PauseStore:
    return PauseStore(services().store.scripts)


@blueprint.post("")
@operation(
    "createPause",
    {201: PAUSE},
    problems=(400, 409, 413, 415, 422, 503),
    parameters=(KEY,),
    request_body=body({"application/json": ref("PauseRequest")}),
)
@needs(Scope.SUBMIT)
def create_pause() -> Response:
    """Start no job of a lane, a model or an owner; of all that are named together, else of everything.

    Jobs that run go on, and new ones are accepted. A key that is no admin's pauses its owner's jobs alone.
    Several pauses may hold for one job: it waits until none does.
    """
    wanted, store = validated(PauseRequest, json_body()), _store()
    if wanted.model is not None:
        services().catalog.get(wanted.model)
    whose = wanted.owner if may_know_of_others() else wanted.owner or owner()
    if whose != owner():
        require(Scope.ADMIN)
    draft = PauseDraft(
        reason=wanted.reason,
        by=owner(),
        lane=wanted.lane,
        model=wanted.model,
        owner=whose,
        ends_at=wanted.ends_at(store.now()),
        window=wanted.day_window,
        idempotency_key=idempotency_key(),
    )
    pause = store.create(draft, for_service=may_know_of_others())
    audit(Event.PAUSED, subject=pause.id, subject_owner=pause.owner or "*", reason=pause.reason)
    view = pause_view(pause, store.now())
    return json_response(view, 201, {**NO_STORE, "Location": view.urls.self})


@blueprint.get("")
@operation("listPauses", {200: documented("The pauses", ref("PauseList"))}, problems=(503,))
@needs(Scope.READ)
def list_pauses() -> Response:
    """List the pauses that have not ended, the latest first: those that may hold for your jobs.

    An admin's key is told all. There are 64 at most.
    """
    store = _store()
    now = store.now()
    data = [pause_view(pause, now) for pause in store.all() if _may_see(pause)]
    return json_response(PauseList(object="list", data=data), headers=NO_STORE)


@blueprint.get("/<pause_id>")
@operation("getPause", {200: PAUSE}, problems=(404, 503))
@needs(Scope.READ)
def get_pause(pause_id: str) -> Response:
    """Read a pause."""
    store = _store()
    return json_response(pause_view(_visible(store, pause_id), store.now()), headers=NO_STORE)


@blueprint.delete("/<pause_id>")
@operation("endPause", {204: documented("The pause has ended")}, problems=(404, 503))
@needs(Scope.SUBMIT)
def end_pause(pause_id: str) -> Response:
    """End a pause. A key that is no admin's ends those alone that its owner made."""
    store = _store()
    pause = _visible(store, pause_id)
    if pause.by != owner():
        require(Scope.ADMIN)
    store.end(pause_id)
    audit(Event.PAUSE_ENDED, subject=pause_id, subject_owner=pause.owner or "*")
    return Response(status=204)


def _may_see(pause: Pause) -> bool:
    return may_know_of_others() or pause.owner in (None, owner())


def _visible(store: PauseStore, pause_id: str) -> Pause:
    pause = store.get(pause_id)
    if not _may_see(pause):
        raise PauseNotFound(f"there is no pause {pause_id[:80]}")
    return pause
