"""What the OpenAPI document needs beyond what the routes say themselves: bodies, parameters, components."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from apiflask import APIBlueprint

Route = TypeVar("Route", bound=Callable[..., Any])
Json = dict[str, Any]

REF = "#/components/schemas/{model}"
PROBLEM = "application/problem+json"


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


def schema_without_null(schema: Json) -> Json:
    """Return the schema of a parameter that may be left out: in a query there is no null."""
    kept = {name: value for name, value in schema.items() if name not in ("title", "anyOf")}
    if kept.get("default", ...) is None:
        del kept["default"]
    some = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    return kept | (some[0] if len(some) == 1 else {"anyOf": some} if some else {})
