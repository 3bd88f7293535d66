"""What the OpenAPI document needs beyond what the routes say themselves: bodies, parameters, components."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar, cast

from apiflask import APIBlueprint, APIFlask
from flask import current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api import resource_views as resources
from api import views
from api.batch_schemas import MODELS as BATCH_MODELS
from api.docs.examples import add_examples
from api.extensions import OPENAPI
from api.style_requests import StyleRequest
from api.validation import SPECS
from api.webhook_views import DeliveryList, DeliveryView, SecretView
from shared.job_view import JobView
from shared.webhook_event import BatchEvent, JobEvent

Route = TypeVar("Route", bound=Callable[..., Any])
Json = dict[str, Any]

REF = "#/components/schemas/{model}"
PROBLEM = "application/problem+json"
_MODELS: tuple[type[BaseModel], ...] = (
    views.Problem, JobView, views.JobPage, resources.FileView, resources.FilePage,
    resources.LimitsView, resources.ModelView, resources.ModelList, resources.StyleView, resources.StylePage,
    StyleRequest, DeliveryView, DeliveryList, SecretView, JobEvent, BatchEvent, resources.Health,
    *SPECS.values(), *BATCH_MODELS,
)  # fmt: skip


def ref(name: str) -> Json:
    """Return the reference to a component."""
    return {"$ref": REF.format(model=name)}


def answer(
    description: str,
    schema: Json | None = None,
    *,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Json:
    """Describe one response; `headers` maps names to sentences."""
    content = {} if schema is None else {media_type: {"schema": schema}}
    described = {
        name: {"description": text, "schema": {"type": "string"}} for name, text in (headers or {}).items()
    }
    return {"description": description, "content": content, "headers": described}


def parameter(where: str, name: str, description: str, schema: Json, *, required: bool = False) -> Json:
    """Describe one parameter in the query or a header."""
    return {"in": where, "name": name, "description": description, "schema": schema, "required": required}


def body(content: Mapping[str, Json], *, required: bool = True) -> Json:
    """Describe a request's body: a schema a media type."""
    return {"required": required, "content": {kind: {"schema": schema} for kind, schema in content.items()}}


def described(
    blueprint: APIBlueprint,
    operation: str,
    answers: dict[int, Json],
    *,
    problems: Sequence[int] = (),
    parameters: Sequence[Json] = (),
    request_body: Json | None = None,
) -> Callable[[Route], Route]:
    """Say in the OpenAPI document what a route takes and gives; summary and text come from its docstring."""
    problem = {"schema": ref("Problem")}
    responses: dict[Any, Json] = {**answers}
    for status in problems:
        responses[status] = {"description": HTTPStatus(status).phrase, "content": {PROBLEM: problem}}
    responses["default"] = {"description": "Any other problem", "content": {PROBLEM: problem}}
    extensions: Json = {"parameters": list(parameters)}
    if request_body is not None:
        extensions["requestBody"] = request_body
    decorate: Callable[[Route], Route] = blueprint.doc(
        operation_id=operation,
        tags=[str(blueprint.tag)],
        responses=responses,  # type: ignore[arg-type,unused-ignore]
        extensions=extensions,
    )
    return decorate


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


def schema_without_null(schema: Json) -> Json:
    """Return the schema of a parameter that may be left out: in a query there is no null."""
    kept = {name: value for name, value in schema.items() if name not in ("title", "anyOf")}
    if kept.get("default", ...) is None:
        del kept["default"]
    some = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    return kept | (some[0] if len(some) == 1 else {"anyOf": some} if some else {})
