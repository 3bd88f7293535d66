"""Stored bytes over HTTP: entity tag, one range, read in pieces so that no picture is held whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from flask import Response, request
from werkzeug.datastructures import ContentRange
from werkzeug.http import is_resource_modified

from api.edge_errors import RangeNotSatisfiable
from api.problems import problem
from shared.object_store import ObjectStore

PIECE_BYTES = 1024 * 1024
FOREVER = "private, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that never change."""

    key: str  # in object storage
    media_type: str
    size: int  # bytes
    sha256: str
    name: str  # for those who save it


def send(content: Content, objects: ObjectStore, *, cache: str = FOREVER) -> Response:
    """Answer a GET or HEAD with the content, a part of it, or 304; `cache` is the Cache-Control."""
    if not is_resource_modified(request.environ, etag=f'"{content.sha256}"'):
        return _with_validators(Response(status=304), content, cache)
    span = _span(content)
    if span is None:
        size = ContentRange("bytes", None, None, content.size).to_header()
        return problem(RangeNotSatisfiable(f"there are {content.size} bytes"), {"Content-Range": size})
    start, end = span
    response = Response(_body(content, objects, start, end), mimetype=content.media_type)
    response.content_length = end - start
    if (start, end) != (0, content.size):
        response.status_code = 206
        response.content_range = ContentRange("bytes", start, end, content.size)
    return _with_validators(response, content, cache)


def _with_validators(response: Response, content: Content, cache: str) -> Response:
    response.set_etag(content.sha256)
    response.headers["Cache-Control"] = cache
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Disposition"] = f'inline; filename="{content.name}"'
    return response


def _span(content: Content) -> tuple[int, int] | None:
    """Return start and end of what is asked for: the whole without a range, None if it lies outside."""
    wanted = request.range
    whole = (0, content.size)
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return whole
    condition = request.if_range
    if "If-Range" in request.headers and condition.etag != content.sha256:
        return whole
    return wanted.range_for_length(content.size)


def _body(content: Content, objects: ObjectStore, start: int, end: int) -> Iterator[bytes]:
    if request.method == "HEAD" or start == end:
        return iter(())
    pieces = _pieces(content.key, objects, start, end)
    return chain([next(pieces)], pieces)  # a missing object is found before the header is sent


def _pieces(key: str, objects: ObjectStore, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, PIECE_BYTES):
        yield objects.get_range(key, at, min(at + PIECE_BYTES, end))
