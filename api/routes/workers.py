"""Workers by name: list them, and let one claim no more jobs, or claim again."""

from flask import Response, request

from api.audit import audit
from api.auth import needs
from api.openapi import TaggedBlueprint, body, documented, operation, ref
from api.requests.body import json_body
from api.requests.field_errors import validated
from api.responses.representation import json_response
from api.responses.worker_views import CordonRequest, WorkerList, worker_view
from api.services import key_id, services
from shared.access.key import Scope
from shared.audit import Event
from shared.fleet import Fleet, NamedWorker
from shared.identifiers import ANONYMOUS

blueprint = TaggedBlueprint("workers", tag="Queue", url_prefix="/v1/workers")

ONE = {200: documented("The worker", ref("WorkerView"))}
FAULTS = (400, 404, 413, 415, 422, 503)
REASON = body({"application/json": ref("CordonRequest")}, required=False)


def _fleet() -> Fleet:
    return Fleet(services().store.client)


@blueprint.get("")
@operation("listWorkers", {200: documented("The workers", ref("WorkerList"))}, problems=(503,))
@needs(Scope.METRICS)
def list_workers() -> Response:
    """List the workers that live, and those that are cordoned, by name."""
    view = WorkerList(object="list", data=[worker_view(worker) for worker in _fleet().workers()])
    return json_response(view, headers={"Cache-Control": "no-store"})


@blueprint.post("/<name>/cordon")
@operation("cordonWorker", ONE, problems=FAULTS, request_body=REASON)
@needs(Scope.ADMIN)
def cordon_worker(name: str) -> Response:
    """Let a worker claim no more jobs.

    From this response on no job starts there; those that run go on to their end. It holds by the worker's
    name, over restarts, until `uncordon`.
    """
    return _cordoned(name, drain=False)


@blueprint.post("/<name>/drain")
@operation("drainWorker", ONE, problems=FAULTS, request_body=REASON)
@needs(Scope.ADMIN)
def drain_worker(name: str) -> Response:
    """Let a worker claim no more jobs, to stop it when it runs nothing.

    As `cordon`, and `state` says when it is `drained`: ask the list for it. A job that runs may take as long
    as the service lets an attempt take; `requeue` takes it from the worker sooner.
    """
    return _cordoned(name, drain=True)


@blueprint.post("/<name>/uncordon")
@operation("uncordonWorker", ONE, problems=(404, 503))
@needs(Scope.ADMIN)
def uncordon_worker(name: str) -> Response:
    """Let a worker claim jobs again. One that is not cordoned does so already."""
    worker = _fleet().uncordon(name)
    audit(Event.WORKER_UNCORDONED, subject=name)
    return _response(worker)


def _cordoned(name: str, *, drain: bool) -> Response:
    asked = _asked()
    worker = _fleet().cordon(name, by=key_id() or ANONYMOUS, reason=asked.reason, drain=drain)
    audit(Event.WORKER_CORDONED, subject=name, drain=drain)
    return _response(worker)


def _asked() -> CordonRequest:
    """Return what the body asks for; without one, nothing more."""
    if not request.mimetype and not request.content_length:
        return CordonRequest()
    return validated(CordonRequest, json_body())


def _response(worker: NamedWorker) -> Response:
    return json_response(worker_view(worker), headers={"Cache-Control": "no-store"})
