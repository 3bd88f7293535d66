"""The OpenAPI document: what the routes take and give, the components, and the events that receivers get."""

import re
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, cast

from flask import Flask, current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from api.auth import UNRULED, rule_of
from api.batches.schemas import MODELS as BATCH_MODELS
from api.docs.examples import add_examples
from api.openapi import REF, Json, TaggedBlueprint, ref
from api.requests.action_request import ActionRequest
from api.requests.key_request import KeyRequest
from api.requests.move_request import MoveRequest
from api.requests.pause_request import BatchPauseRequest, PauseRequest
from api.requests.read_request import ReadRequest
from api.requests.recipe import AgainRequest
from api.requests.recipe_request import RecipeRequest
from api.requests.style_request import StyleRequest
from api.responses import views
from api.responses.action_views import ActionPage
from api.responses.estimate_views import EstimateView
from api.responses.job_views import JobPage, JobsRead
from api.responses.key_views import IdentityView, KeyPage, NewKeyView
from api.responses.owner_views import OwnLimits, QuotaView, UsageList
from api.responses.pause_views import PauseList, PauseView
from api.responses.plan_views import PlanView
from api.responses.recipe_views import RecipePage, RecipeView
from api.responses.stats_views import FailureList, StatsView
from api.responses.version_views import RolloutRequest, RolloutView, VersionList
from api.responses.webhook_views import DeliveryList, DeliveryView, SecretView
from api.responses.worker_views import CordonRequest, WorkerList, WorkerView
from shared.actions.views import ActionView
from shared.jobs.views import JobView
from shared.specs.spec import SPECS
from shared.specs.webhook import ACTION_EVENTS, BATCH_EVENTS, EVENTS
from shared.webhooks.delivery import ActionEvent, BatchEvent, JobEvent

OPENAPI = "atelier.openapi"  # name of the finished document among the application's extensions
METHODS = ("get", "post", "put", "delete")
VERSION = version("atelier-service")
DESCRIPTION = (
    "Pictures as jobs: submit one, follow it, fetch what it made. Every error is a problem document "
    "(RFC 9457) with a stable `code`; every time is UTC; every link is absolute."
)
TAGS = [
    {"name": "Jobs", "description": "Submit, list, read, cancel, retry and forget jobs."},
    {"name": "Results", "description": "Follow a job's events and fetch its pictures."},
    {"name": "Batches", "description": "Thousands of jobs as one thing: send, watch, steer, fetch."},
    {"name": "Actions", "description": "Cancel, retry, delete or move all jobs that a filter admits."},
    {"name": "Files", "description": "Upload a picture once, use it in any number of jobs."},
    {"name": "Styles", "description": "Pictures kept under names, and the styles that are part of networks."},
    {"name": "Recipes", "description": "Settings of jobs, kept under names in versions."},
    {"name": "Models", "description": "What jobs may name, and the JSON Schema of what each takes."},
    {"name": "Webhooks", "description": "Be told how a job goes, instead of asking."},
    {
        "name": "Queue",
        "description": "What waits and runs, on which workers, how jobs failed, and pauses.",
    },
    {"name": "Keys", "description": "Who may use the service; for admins."},
    {"name": "Owners", "description": "What owners may have, what they have, and what their jobs took."},
    {"name": "Health", "description": "For supervisors and load balancers."},
    {"name": "About", "description": "This description."},
]

KEY_SCHEME = "key"
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "atl_<id>_<secret>",
    "description": "An API key. Needed as soon as the installation has one, and wherever it is reached from "
    "other machines.",
}

_MODELS: tuple[type[BaseModel], ...] = (
    views.Problem, EstimateView, JobView, JobPage, JobsRead, ReadRequest, MoveRequest, views.FileView,
    views.FilePage,
    views.LimitsView, views.ModelView, views.ModelList, views.StyleView, views.StylePage,
    AgainRequest, RecipeRequest, RecipeView, RecipePage,
    StyleRequest, DeliveryView, DeliveryList, SecretView, JobEvent, BatchEvent, ActionEvent, views.Health,
    KeyRequest, KeyPage, NewKeyView, IdentityView, OwnLimits, QuotaView, UsageList, StatsView, FailureList,
    PlanView,
    PauseRequest, PauseView, PauseList, BatchPauseRequest, views.ModelLimitsView,
    RolloutRequest, RolloutView, VersionList,
    ActionRequest, ActionView, ActionPage,
    WorkerView, WorkerList, CordonRequest,
    *SPECS.values(), *BATCH_MODELS,
)  # fmt: skip


def document() -> Json:
    """Return the OpenAPI document of the application that serves this request; it is made once."""
    known = current_app.extensions.get(OPENAPI)
    if known is None:
        known = current_app.extensions[OPENAPI] = _document(current_app)
    return cast(Json, known)


def _document(app: Flask) -> Json:
    whole: Json = {
        "info": {
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": DESCRIPTION,
            "title": "Atelier",
            "version": VERSION,
        },
        "tags": TAGS,
        "servers": [{"url": "/"}],
        "paths": _paths(app),
        "openapi": "3.1.0",
        "components": {"schemas": components(), "securitySchemes": {KEY_SCHEME: BEARER}},
    }
    add_examples(whole)
    return whole | {"webhooks": described_events()}


def _paths(app: Flask) -> Json:
    """Return the operations of the documented routes, by path, in the order of their tags."""
    order = [tag["name"] for tag in TAGS]
    found: dict[tuple[int, str], Json] = {}
    for rule in app.url_map.iter_rules():
        route = app.view_functions[rule.endpoint]
        if hasattr(route, "operation"):
            tag = cast(TaggedBlueprint, app.blueprints[rule.endpoint.partition(".")[0]]).tag
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            operations = found.setdefault((order.index(tag), path), {})
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                operations[method.lower()] = _with_rule(_with_place(route.operation, rule, tag), route)
    return {
        path: {method: operations[method] for method in METHODS if method in operations}
        for (_, path), operations in sorted(found.items())
    }


def _with_rule(operation: Json, route: Callable[..., Any]) -> Json:
    """Return an operation with the scope that it needs, and how it is refused without."""
    scope = (rule_of(route) or UNRULED).scope
    if scope is None:
        return operation
    refused = operation["responses"]["default"] | {"description": "No valid API key was sent"}
    scarce = operation["responses"]["default"] | {"description": f"The key lacks the scope `{scope}`"}
    often = operation["responses"]["default"] | {"description": "Too many requests came in this minute"}
    responses = {**operation["responses"], "401": refused, "403": scarce, "429": often}
    return {**operation, "responses": responses, "security": [{KEY_SCHEME: [str(scope)]}]}


def _with_place(operation: Json, rule: Rule, tag: str) -> Json:
    """Return an operation with its tag, and with the parameters of its path before its others."""
    names = re.findall(r"<(int:)?(\w+)>", rule.rule)
    in_path = [
        {"in": "path", "name": name, "schema": {"type": "integer" if kind else "string"}, "required": True}
        for kind, name in names
    ]
    return {**operation, "parameters": [*in_path, *operation["parameters"]], "tags": [tag]}


def components() -> Json:
    """Return the schemas of all requests and responses, by name."""
    _, schema = models_json_schema([(model, "validation") for model in _MODELS], ref_template=REF)
    found: Json = schema["$defs"]
    found["JobSpec"] = {
        "oneOf": [ref(spec.__name__) for spec in SPECS.values()],
        "discriminator": {
            "propertyName": "type",
            "mapping": {kind: ref(spec.__name__)["$ref"] for kind, spec in SPECS.items()},
        },
    }
    return found


_VERBS = {
    "started": "was claimed by a worker for the first time",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "was canceled",
    "completed": "is done",
    "expired": "expired: its deadline passed",
    "paused": "paused by itself: too much went wrong for its `stop_when`, or its `sample` is done",
}
_HEADERS = {
    "webhook-id": "The delivery's id, the same at every try: drop what came before.",
    "webhook-timestamp": "Seconds since the epoch at this try.",
    "webhook-signature": "`v1,` and the base64 of an HMAC-SHA256 over `id.timestamp.body`; or several.",
}


def described_events() -> dict[str, Any]:
    """Return the OpenAPI document's `webhooks`: each event as a request that the service sends."""
    return {event: {"post": _operation(event)} for event in (*EVENTS, *BATCH_EVENTS, *ACTION_EVENTS)}


def _operation(event: str) -> dict[str, Any]:
    subject, _, happened = event.partition(".")
    name = "bulk action" if subject == "action" else subject
    return {
        "operationId": f"{subject}{happened.title()}",
        "tags": ["Webhooks"],
        "summary": f"A {name} {_VERBS[happened]}.",
        "description": f"Sent to the `webhook.url` of a {name} that names no template, signed as Standard "
        "Webhooks 1.0 has it.",
        "parameters": [
            {
                "in": "header",
                "name": header,
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for header, text in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref(f"{subject.title()}Event")}},
        },
        "responses": {
            "2XX": {"description": "Taken; it is not sent again."},
            "410": {"description": "Not wanted; it is not sent again."},
            "default": {"description": "Sent again later, ten times in all; `Retry-After` is honored."},
        },
    }
