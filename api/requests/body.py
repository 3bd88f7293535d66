"""Reading a request's body: its type, its size, its encoding; names and texts strictly in UTF-8."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from flask import Response, request
from pydantic_core import from_json
from werkzeug.exceptions import ClientDisconnected

from api.errors import BadRequest, MalformedJson, TransferCodingUnknown, UnsupportedMediaType
from api.responses.problems import problem
from api.services import services
from shared.errors import BodyTooLarge, FieldError, InvalidRequest

MAX_JSON_BYTES = 1024 * 1024
MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"

_PIECE = 64 * 1024
_BOM = b"\xef\xbb\xbf"


def json_body() -> object:
    """Return the JSON value of the body; raise UnsupportedMediaType, MalformedJson or a 413."""
    expect_json("JSON, with Content-Type: application/json")
    limit = min(MAX_JSON_BYTES, services().settings.limits.max_body_bytes)
    return decode_json(whole_body(limit, "a JSON body"))


def expect_json(wanted: str) -> None:
    """Raise UnsupportedMediaType, which says what is `wanted`, where the body is not JSON by its type."""
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise UnsupportedMediaType(f"the body must be {wanted}; got {request.mimetype or 'no type'}")


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
    """Return the problem of a request whose body is compressed, which would be read wrongly; else None."""
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


def decoded_pairs(data: bytes, *, limit: int | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield each name with the bytes of its text; raise ValueError where there are more than `limit`."""
    pairs = parse_qsl(
        data.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=limit
    )
    for name, text in pairs:
        yield decoded_name(name.encode("latin-1")), text.encode("latin-1")


def decoded_name(data: bytes) -> str:
    """Return the name of a field; one that is not UTF-8 is none that is known."""
    return data.decode("utf-8", "replace")


def decoded_text(name: str, data: bytes, charset: str = "utf-8") -> str:
    """Return a text; raise InvalidRequest that names its field where it is not in its encoding."""
    try:
        return data.decode(charset)
    except UnicodeDecodeError as error:
        detail = f"{name} is not UTF-8: its text must be sent in that encoding"
        raise InvalidRequest(detail, errors=[FieldError(f"/{name}", detail, "invalid_encoding")]) from error
