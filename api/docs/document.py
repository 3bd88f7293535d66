"""The OpenAPI document: what the routes gave, the components, and the events that receivers get."""

from typing import Any, cast

from apiflask import APIFlask
from flask import current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.batches.schemas import MODELS as BATCH_MODELS
from api.docs.examples import add_examples
from api.extensions import OPENAPI
from api.openapi import REF, Json, ref
from api.requests.style_request import StyleRequest
from api.responses import views
from api.responses.webhook_views import DeliveryList, DeliveryView, SecretView
from shared.jobs.views import JobView
from shared.specs.spec import SPECS
from shared.specs.webhook import BATCH_EVENTS, EVENTS
from shared.webhooks.events import BatchEvent, JobEvent

_MODELS: tuple[type[BaseModel], ...] = (
    views.Problem, JobView, views.JobPage, views.FileView, views.FilePage,
    views.LimitsView, views.ModelView, views.ModelList, views.StyleView, views.StylePage,
    StyleRequest, DeliveryView, DeliveryList, SecretView, JobEvent, BatchEvent, views.Health,
    *SPECS.values(), *BATCH_MODELS,
)  # fmt: skip


def document() -> Json:
    """Return the OpenAPI document of the application that serves this request; it is made once."""
    known = current_app.extensions.get(OPENAPI)
    if known is None:
        known = current_app.extensions[OPENAPI] = cast(APIFlask, current_app).spec
    return cast(Json, known)


def components() -> Json:
    """Return the schemas of all requests and answers, by name."""
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


def complete(document: Json) -> Json:
    """Add the components to the document that the routes gave, and sort its paths by their tags."""
    document.setdefault("components", {})["schemas"] = components()
    add_examples(document)
    order = [tag["name"] for tag in document["tags"]]
    document["paths"] = dict(
        sorted(document["paths"].items(), key=lambda item: (_place(item[1], order), item[0]))
    )
    return document


def _place(path: Json, order: list[str]) -> int:
    return min(order.index(operation["tags"][0]) for operation in path.values() if "tags" in operation)


_VERBS = {
    "started": "was claimed by a worker for the first time",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "was canceled",
    "completed": "is done: every item has ended",
    "expired": "expired: its deadline passed",
}
_HEADERS = {
    "webhook-id": "The delivery's id, the same at every try: drop what came before.",
    "webhook-timestamp": "Seconds since the epoch at this try.",
    "webhook-signature": "`v1,` and the base64 of an HMAC-SHA256 over `id.timestamp.body`; or several.",
}


def described_events() -> dict[str, Any]:
    """Return the OpenAPI document's `webhooks`: each event as a request that the service sends."""
    return {event: {"post": _operation(event)} for event in (*EVENTS, *BATCH_EVENTS)}


def _operation(event: str) -> dict[str, Any]:
    subject, _, happened = event.partition(".")
    return {
        "operationId": f"{subject}{happened.title()}",
        "tags": ["Webhooks"],
        "summary": f"A {subject} {_VERBS[happened]}.",
        "description": f"Sent to the `webhook.url` of a {subject}, signed as Standard Webhooks 1.0 has it.",
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
