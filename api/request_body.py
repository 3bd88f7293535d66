"""Reading a request's body: its type, its size, its encoding."""

from typing import Any

from flask import request
from pydantic_core import from_json

from api.edge_errors import MalformedJson, UnsupportedMediaType
from api.services import services
from shared.errors import BodyTooLarge

MAX_JSON_BYTES = 1024 * 1024
MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"


def json_body() -> object:
    """Return the JSON value of the body; raise UnsupportedMediaType, MalformedJson or a 413."""
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise UnsupportedMediaType(
            f"the body must be JSON, with Content-Type: application/json; got {request.mimetype or 'no type'}"
        )
    limit = min(MAX_JSON_BYTES, services().settings.limits.max_body_bytes)
    request.max_content_length = limit
    data = request.get_data()
    if request.content_length is None and len(data) >= limit:  # without a length it is cut there in silence
        raise BodyTooLarge(f"a JSON body may have at most {limit} bytes")
    return decode_json(data)


def decode_json(text: bytes | str) -> Any:
    """Return the value of JSON text. NaN, Infinity and lone surrogates are not JSON."""
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedJson(f"the body is not JSON: {error}") from error


def expect_form(*types: str) -> None:
    """Refuse a body of another type; an empty body without a type is an empty form."""
    if request.mimetype in types or (not request.mimetype and not request.content_length):
        return
    given = request.mimetype or "no type"
    raise UnsupportedMediaType(
        f"the body must be a form of the type {' or '.join(types)}; got {given}. "
        "With curl, write -F in place of -d"
    )
