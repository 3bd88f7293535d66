"""Reading a request's body: its type, its size, its encoding."""

from collections.abc import Iterator
from typing import Any

from flask import Response, request
from pydantic_core import from_json
from werkzeug.exceptions import ClientDisconnected

from api.errors import BadRequest, MalformedJson, TransferCodingUnknown, UnsupportedMediaType
from api.responses.problems import problem
from api.services import services
from shared.errors import BodyTooLarge

MAX_JSON_BYTES = 1024 * 1024
MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"

_PIECE = 64 * 1024
_BOM = b"\xef\xbb\xbf"


def json_body() -> object:
    """Return the JSON value of the body; raise UnsupportedMediaType, MalformedJson or a 413."""
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise UnsupportedMediaType(
            f"the body must be JSON, with Content-Type: application/json; got {request.mimetype or 'no type'}"
        )
    limit = min(MAX_JSON_BYTES, services().settings.limits.max_body_bytes)
    return decode_json(whole_body(limit, "a JSON body"))


def decode_json(text: bytes | str) -> Any:
    """Return the value of JSON text, which may begin with a byte order mark.

    NaN, Infinity and lone surrogates are not JSON.
    """
    try:
        return from_json(without_mark(text.encode() if isinstance(text, str) else text), allow_inf_nan=False)
    except ValueError as error:
        raise MalformedJson(f"the body is not JSON: {error}") from error


def without_mark(data: bytes) -> bytes:
    """Return a text without the byte order mark that some editors and clients begin it with."""
    return data.removeprefix(_BOM)


def whole_body(limit: int, subject: str = "the body", advice: str = "") -> bytes:
    """Return all bytes of the body; raise BodyTooLarge, which names the subject, or BadRequest."""
    return b"".join(body_pieces(limit, subject, advice))


def body_pieces(limit: int, subject: str = "the body", advice: str = "") -> Iterator[bytes]:
    """Yield the body as it comes. Nothing is read of one whose length says that it is too large.

    Raises BodyTooLarge, and BadRequest where the body is shorter than its length says.
    """
    length, received = request.content_length, 0
    if length is not None and length > limit:
        raise BodyTooLarge(f"{subject} may have at most {limit} bytes; this one has {length}{advice}")
    request.max_content_length = limit + 1  # one more than allowed, so that a body without a length shows
    try:
        while piece := request.stream.read(_PIECE):
            received += len(piece)
            if received > limit:
                raise BodyTooLarge(f"{subject} may have at most {limit} bytes; this one has more{advice}")
            yield piece
    except ClientDisconnected as error:
        raise _cut_off(received, length) from error
    if length is not None and received < length:
        raise _cut_off(received, length)


def _cut_off(received: int, length: int | None) -> BadRequest:
    announced = "" if length is None else f" of the {length} bytes that Content-Length announces"
    return BadRequest(f"the body is cut off: it ended, or paused for too long, after {received}{announced}")


def refuse_codings() -> Response | None:
    """Answer a request whose body is compressed: it would be read as what it is not."""
    has_body = request.content_length or "Transfer-Encoding" in request.headers
    if request.routing_exception is not None or not has_body:
        return None
    _check_transfer()
    coding = request.headers.get("Content-Encoding", "")
    if _words(coding) <= {"identity"}:
        return None
    error = UnsupportedMediaType(f"the body must come without Content-Encoding; got {coding[:80]}")
    return problem(error, {"Accept-Encoding": "identity"})


def _check_transfer() -> None:
    coding = request.headers.get("Transfer-Encoding", "")
    if not _words(coding) <= {"chunked", "identity"}:
        raise TransferCodingUnknown(f"Transfer-Encoding may only be chunked; got {coding[:80]}")


def _words(header: str) -> set[str]:
    return {word.strip().lower() for word in header.split(",")} - {""}


def expect_form(*types: str) -> None:
    """Refuse a body of another type; an empty body without a type is an empty form."""
    if request.mimetype in types or (not request.mimetype and _is_empty()):
        return
    given = request.mimetype or "no type"
    raise UnsupportedMediaType(
        f"the body must be a form of the type {' or '.join(types)}; got {given}. "
        "With curl, write -F in place of -d"
    )


def _is_empty() -> bool:
    return not (request.content_length if request.content_length is not None else request.stream.read(1))
