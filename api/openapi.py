"""How a route says what it takes and gives; the parts of the OpenAPI document that routes share."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Blueprint

Route = TypeVar("Route", bound=Callable[..., Any])
Json = dict[str, Any]

REF = "#/components/schemas/{model}"
PROBLEM = "application/problem+json"


class TaggedBlueprint(Blueprint):
    """The routes of one resource, which the OpenAPI document lists under one tag."""

    def __init__(self, name: str, *, tag: str, url_prefix: str | None = None) -> None:
        super().__init__(name, __name__, url_prefix=url_prefix)
        self.tag = tag


def ref(name: str) -> Json:
    """Return the reference to a component."""
    return {"$ref": REF.format(model=name)}


def documented(
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


def operation(
    name: str,
    responses: Mapping[int, Json],
    *,
    problems: Sequence[int] = (),
    parameters: Sequence[Json] = (),
    request_body: Json | None = None,
) -> Callable[[Route], Route]:
    """Note what a route takes and gives. Its docstring has the summary and, after it, the description.

    Routes without it are not in the OpenAPI document.
    """
    problem = {PROBLEM: {"schema": ref("Problem")}}
    described = {str(status): response for status, response in responses.items()}
    for status in problems:
        described[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    described["default"] = {"description": "Any other problem", "content": problem}

    def note(route: Route) -> Route:
        summary, _, text = (route.__doc__ or "").strip().partition("\n")
        noted: Json = {
            "parameters": list(parameters),
            "responses": described,
            "summary": summary,
            "description": "\n".join(line.strip() for line in text.splitlines()).strip(),
            "operationId": name,
            "requestBody": request_body,
        }
        route.operation = {key: value for key, value in noted.items() if value not in ("", None)}  # type: ignore[attr-defined]
        return route

    return note


def schema_without_null(schema: Json) -> Json:
    """Return the schema of a parameter that may be left out: in a query there is no null."""
    kept = {name: value for name, value in schema.items() if name not in ("title", "anyOf")}
    if kept.get("default", ...) is None:
        del kept["default"]
    some = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    return kept | (some[0] if len(some) == 1 else {"anyOf": some} if some else {})


TEXT = {"type": "string"}
PICTURE = {"type": "string", "contentMediaType": "application/octet-stream"}

PREFER = parameter("header", "Prefer", "`wait=n`: answer when the job is done, or after n seconds.", TEXT)
KEY = parameter(
    "header", "Idempotency-Key", "A repetition with the same key and body gives the same job.", TEXT
)
LAST_EVENT_ID = parameter("header", "Last-Event-ID", "Resume after this event.", TEXT)
RANGE = parameter("header", "Range", "The range of bytes that is asked for; one only.", TEXT)
SIGNATURE = tuple(
    parameter("query", name, f"{text} Part of a signed address.", {"type": "string"})
    for name, text in {
        "key": "Id of the key that signed it.",
        "expires": "Until when it is valid, in seconds since 1970.",
        "signature": "Made by the service.",
    }.items()
)
IF_NONE_MATCH = parameter("header", "If-None-Match", "An entity tag: the sha256.", TEXT)

REFUSED = (400, 413, 415, 422, 429, 503)  # what a submission may be refused with
EVENTS = {200: documented("Events until `done`", TEXT, media_type="text/event-stream")}
PICTURE_SENT = documented("The picture", PICTURE, media_type="image/*")
NOT_MODIFIED = {304: documented("The client has the picture already")}
BYTES = {
    200: documented(
        "The picture", PICTURE, media_type="image/*", headers={"ETag": "The sha256 of the bytes."}
    ),
    307: documented(
        "The bucket itself sends it; the link holds for five minutes",
        headers={"Location": "Where the picture is."},
    ),
    206: documented(
        "A part of the picture", PICTURE, media_type="image/*", headers={"Content-Range": "Which part."}
    ),
    **NOT_MODIFIED,
}


def submitted(kind: str, view: str, *, estimates: bool = True) -> dict[int, Json]:
    """Describe the responses to the submission of a job or a batch, whose schema is `view`.

    One that may be tried without being carried out is answered with an estimate then.
    """
    headers = {
        "Location": "Where the job is.",
        "Preference-Applied": "What of `Prefer` was honored.",
        "Idempotency-Replayed": "`true` where the job was there before.",
    }
    later = {**headers, "Retry-After": "Seconds after which asking again is worth it."}
    return {
        200: documented(
            f"The {kind} is done already" + "; of a dry run, what it would come to" * estimates,
            {"oneOf": [ref(view), ref("EstimateView")]} if estimates else ref(view),
            headers=headers,
        ),
        202: documented(f"The {kind} is accepted", ref(view), headers=later),
    }


def read(kind: str, view: str) -> dict[int, Json]:
    """Describe the responses to a read of a job or a batch, whose schema is `view`."""
    headers = {
        "ETag": "Changes with the representation.",
        "Retry-After": f"Seconds after which asking again is worth it, while the {kind} is not done.",
    }
    return {
        200: documented(f"The {kind}", ref(view), headers=headers),
        304: documented(f"The {kind} is as `If-None-Match` says"),
    }


def waiting(whom: str) -> list[Json]:
    """Describe the parameters of a read that may wait for `whom`."""
    return [
        parameter("query", "wait", f"Seconds to wait for {whom} at most.", {"type": "number", "minimum": 0}),
        parameter("header", "If-None-Match", "The entity tag of the last answer.", TEXT),
    ]


def listed(what: str, view: str) -> dict[int, Json]:
    """Describe the response to a read of one page of a list."""
    headers = {"Link": "The next page, where there is one."}
    return {200: documented(f"A page of {what}", ref(view), headers=headers)}
