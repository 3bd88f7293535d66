"""Reading a request's body: its type, its size, its encoding; names and texts strictly in UTF-8."""

from collections.abc import Iterator
from io import BytesIO
from urllib.parse import unquote_to_bytes

from flask import Response, request
from werkzeug.exceptions import ClientDisconnected

from api.errors import BadRequest, TransferCodingUnknown, UnsupportedMediaType
from api.requests.json_text import MAX_JSON_BYTES, check_without_pictures, decode_json
from api.responses.problems import problem
from api.services import services
from shared.errors import BodyTooLarge, FieldError, InvalidRequest

MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"

_PIECE = 64 * 1024
_QUOTED_PIECE = 16 * 1024


def json_body(*, pictures: bool = False) -> object:
    """Return the JSON value of the body; raise UnsupportedMediaType, MalformedJson or a 413.

    With `pictures`, data URLs of pictures may be as large as a request, beside the rest.
    """
    expect_json("JSON, with Content-Type: application/json")
    most = services().settings.limits.max_body_bytes
    if not pictures:
        return decode_json(whole_body(min(MAX_JSON_BYTES, most), "a JSON body"))
    data = whole_body(most, "a JSON body")
    check_without_pictures(data)
    return decode_json(data)


def optional_json_body() -> object:
    """Return the JSON value of the body as `json_body` does; of a request without a body, an empty object."""
    return {} if not request.mimetype and _is_empty() else json_body()


def expect_json(wanted: str) -> None:
    """Raise UnsupportedMediaType, which says what is `wanted`, where the body is not JSON by its type."""
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise UnsupportedMediaType(f"the body must be {wanted}; got {request.mimetype or 'no type'}")


def whole_body(limit: int, subject: str = "the body", advice: str = "") -> bytes:
    """Return all bytes of the body; raise BodyTooLarge, which names the subject, or BadRequest."""
    body = BytesIO()  # gives its bytes without copying them
    for piece in body_pieces(limit, subject, advice):
        body.write(piece)
    return body.getvalue()


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
    if limit is not None and data.count(b"&") >= limit:
        raise ValueError(f"more than {limit} fields")
    for pair in filter(None, data.split(b"&")):
        name, _, text = pair.partition(b"=")
        yield decoded_name(_unquoted(name)), _unquoted(text)


def _unquoted(text: bytes) -> bytes:
    """Return a text without percent-encoding. Piece by piece: the library makes an object of each sign."""
    pieces, start = [], 0
    while start < len(text):
        end = start + _QUOTED_PIECE
        last = text.rfind(b"%", end - 2, end)  # what it begins may go on behind the piece
        end = end if last < 0 else last
        pieces.append(unquote_to_bytes(text[start:end].replace(b"+", b" ")))
        start = end
    return b"".join(pieces)


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
