"""Models: list and read them, with their input schema and the workers that have loaded them."""

from collections import Counter

from flask import Response

from api.audit import audit
from api.auth import needs
from api.docs.form_schemas import input_schema
from api.jobs.workers import AvailableModels
from api.openapi import TaggedBlueprint, body, documented, operation, ref
from api.requests.body import json_body
from api.requests.field_errors import validated
from api.responses.representation import json_response
from api.responses.views import CardFaultView, LoadedView, ModelLimitsView, ModelList, ModelView
from api.services import base_url, card_named, may_know_of_others, services
from shared.access.key import Scope
from shared.audit import Event
from shared.cards.card import ModelCard
from shared.cards.parts import name_of
from shared.pauses.model_limits import ModelLimits
from shared.workers import ReloadRequest, Worker

blueprint = TaggedBlueprint("models", tag="Models", url_prefix="/v1")

LIMITS = documented("The limits", ref("ModelLimitsView"))


def _view(card: ModelCard, workers: tuple[Worker, ...], *, with_schema: bool) -> ModelView:
    return ModelView(
        name=card.name,
        object="model",
        type=card.kind,
        title=card.title,
        description=card.description,
        version=card.version,
        license=card.license,
        homepage=card.homepage,
        default=card.default,
        available=AvailableModels(services(), workers).has(card),
        loaded=_loaded(card.name, workers) if may_know_of_others() else None,
        url=f"{base_url()}/v1/models/{card.name}",
        input_schema=input_schema(card) if with_schema else None,
    )


def _loaded(name: str, workers: tuple[Worker, ...]) -> list[LoadedView]:
    found = Counter(
        (model.version, model.digest)
        for worker in workers
        for model in worker.models
        if name_of(model.name) == name
    )
    return [LoadedView(version=v, digest=d, workers=n) for (v, d), n in sorted(found.items())]


@blueprint.get("/models")
@operation("listModels", {200: documented("All models", ref("ModelList"))}, problems=(503,))
@needs(Scope.READ)
def list_models() -> Response:
    """List the models, and the files of cards that cannot be used."""
    workers, catalog = services().roster.live(), services().catalog
    models = ModelList(
        object="list",
        data=[_view(card, workers, with_schema=False) for card in catalog],
        unavailable=[CardFaultView.of(fault) for fault in catalog.faults],
    )
    return json_response(models)


@blueprint.post("/models/reload")
@operation("reloadModels", {202: documented("All live workers look for new versions")}, problems=(503,))
@needs(Scope.ADMIN)
def reload_models() -> Response:
    """Take new model versions into service.

    Every live worker looks for new versions and cards within seconds. Jobs go on with the version that is
    loaded until the new one is warm; `loaded` then says so.
    """
    ReloadRequest(services().store.scripts).make()
    audit(Event.MODELS_RELOADED)
    return Response(status=202)


@blueprint.get("/models/<name>/limits")
@operation("getModelLimits", {200: LIMITS}, problems=(404, 503))
@needs(Scope.READ)
def get_model_limits(name: str) -> Response:
    """Read how many jobs of a model may run at once."""
    return json_response(ModelLimitsView(running=_limits().read(card_named(name).name)))


@blueprint.put("/models/<name>/limits")
@operation(
    "setModelLimits",
    {200: LIMITS},
    problems=(400, 404, 413, 415, 422, 503),
    request_body=body({"application/json": ref("ModelLimitsView")}),
)
@needs(Scope.ADMIN)
def set_model_limits(name: str) -> Response:
    """Say how many jobs of a model may run at once, over all workers, from the next start on.

    Jobs that run go on.
    """
    model, limits = card_named(name).name, validated(ModelLimitsView, json_body())
    _limits().set(model, limits.running)
    audit(Event.MODEL_LIMITED, subject=model, running=limits.running)
    return json_response(limits)


def _limits() -> ModelLimits:
    return ModelLimits(services().store.scripts)


@blueprint.get("/models/<name>")
@operation("getModel", {200: documented("The model", ref("ModelView"))}, problems=(404, 503))
@needs(Scope.READ)
def get_model(name: str) -> Response:
    """Read a model, with the JSON Schema of its jobs."""
    return json_response(_view(card_named(name), services().roster.live(), with_schema=True))
