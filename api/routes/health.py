"""Health checks: whether the process is alive, and whether the service is ready for jobs."""

import logging
from importlib.metadata import version

from flask import Response

from api.auth import open_to_all
from api.errors import NotReady
from api.openapi import TaggedBlueprint, documented, operation, ref
from api.responses.representation import json_response
from api.responses.views import Health
from api.services import Services, services
from shared.errors import AtelierError, FieldError, StorageUnavailable, StoreUnavailable
from shared.redis.client import store_errors
from shared.redis.keys import Keys
from shared.specs.parts import Lane

log = logging.getLogger("atelier.api")

blueprint = TaggedBlueprint("health", tag="Health")
PROBE_KEY = Keys()("probe")  # written to test whether the server accepts writes
PROBE_MILLISECONDS = 1000


def _health_response(status: str) -> Response:
    health = Health.model_validate({"status": status, "version": version("atelier-service")})
    return json_response(health, headers={"Cache-Control": "no-store"})


@blueprint.get("/healthz")
@operation("health", {200: documented("The process answers", ref("Health"))})
@open_to_all("a supervisor has no key, and learns nothing of any job")
def healthz() -> Response:
    """Say that this process answers. It asks nothing of anybody else."""
    return _health_response("ok")


@blueprint.get("/readyz")
@operation("readiness", {200: documented("Jobs will be carried out", ref("Health"))}, problems=(503,))
@open_to_all("a load balancer has no key, and learns nothing of any job")
def readyz() -> Response:
    """Say whether jobs will be carried out.

    The job store takes writes, object storage answers, and for each lane a worker that makes progress has the
    default models loaded that come with Atelier. A default model of the operator's own is not waited for:
    until it is pulled, it alone is missing.
    """
    faults = [*_storage_faults(services()), *(_store_faults(services()) or _worker_faults(services()))]
    if faults:
        raise NotReady("; ".join(fault.detail for fault in faults), errors=faults)
    return _health_response("ready")


def _storage_faults(parts: Services) -> list[FieldError]:
    try:
        parts.objects.check()
    except StorageUnavailable as error:
        return [_fault("/storage", error)]
    return []


def _fault(part: str, error: AtelierError) -> FieldError:
    if error.inside:  # told here alone: the response is for everybody
        log.warning("not ready", extra={"part": part, "detail": error.whole})
    return FieldError(part, error.detail, error.code)


def _store_faults(parts: Services) -> list[FieldError]:
    """Return a fault if the server is unavailable, out of memory, or unable to write its journal."""
    try:
        with store_errors():
            parts.store.client.set(PROBE_KEY, "1", px=PROBE_MILLISECONDS)
    except AtelierError as error:
        return [_fault("/store", error)]
    return []


def _worker_faults(parts: Services) -> list[FieldError]:
    try:
        workers = parts.roster.live()
    except StoreUnavailable as error:
        return [_fault("/store", error)]
    needed = {card.name for card in parts.catalog if card.default and card.is_carried}
    if not workers:
        return [FieldError("/workers", "no worker is alive", "no_worker")]
    workers = tuple(worker for worker in workers if worker.takes_jobs)
    if not workers:
        return [FieldError("/workers", "all live workers are cordoned", "workers_cordoned")]
    able = [worker for worker in workers if needed <= {model.name for model in worker.models}]
    if not able:
        detail = f"no live worker has {', '.join(sorted(needed))} loaded"
        return [FieldError("/workers", detail, "models_not_loaded")]
    unserved = [lane for lane in Lane if not any(worker.serves(lane) for worker in able)]
    return [FieldError("/workers", f"no worker serves the lane {lane}", "no_worker") for lane in unserved]
