"""Stored bytes over HTTP, sent in pieces: a picture with its entity tag and range, or many in a ZIP file."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

from flask import Response, request
from werkzeug.datastructures import ContentRange
from werkzeug.http import is_resource_modified
from zipstream import ZipStream

from api.errors import RangeNotSatisfiable
from api.responses.problems import problem
from api.responses.representation import reading_environ, require_match
from api.responses.stored_pieces import pieces_of
from shared.errors import AtelierError
from shared.storage.base import ObjectStore, media_type_of

BUFFER_BYTES = 128 * 1024  # sent at once where members are small
LINK_SECONDS = 300.0  # for which a link into the bucket holds: clients follow at once
_RANGE = re.compile(r"\s*bytes\s*=\s*(?:(\d{1,99})-(\d{0,99})|-(\d{1,99}))\s*", re.ASCII | re.IGNORECASE)
SHOWN = frozenset(
    f"image/{kind}" for kind in ("avif", "bmp", "gif", "jpeg", "png", "tiff", "webp")
)  # by browsers
DOWNLOADED = "application/octet-stream"
FOREVER = "private, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that never change."""

    key: str  # in object storage
    media_type: str
    size: int  # bytes
    sha256: str
    name: str  # for those who save it

    @property
    def sent_type(self) -> str:
        """The media type; that of a download where a record names another type than a picture's."""
        return self.media_type if self.media_type in SHOWN else DOWNLOADED

    @property
    def disposition(self) -> str:
        """What a browser does with it."""
        if self.media_type in SHOWN:
            return f'inline; filename="{self.name}"'
        return f'attachment; filename="{self.name.partition(".")[0]}.bin"'


def send(content: Content, objects: ObjectStore, *, cache: str = FOREVER) -> Response:
    """Return the response to a GET or HEAD: content, a part of it, 304, or 307 to where the bucket has it.

    `cache` is the Cache-Control.
    """
    require_match(content.sha256)
    if not is_resource_modified(reading_environ(), etag=f'"{content.sha256}"'):
        return _with_validators(Response(status=304), content, cache)
    span = _span(content)
    if span is None:
        size = ContentRange("bytes", None, None, content.size).to_header()
        return problem(RangeNotSatisfiable(f"there are {content.size} bytes"), {"Content-Range": size})
    start, end = span
    if link := _link(content, objects):
        return Response(status=307, headers={"Location": link, "Cache-Control": "no-store"})
    response = Response(_body(content, objects, start, end), mimetype=content.sent_type)
    response.content_length = end - start
    if (start, end) != (0, content.size):
        response.status_code = 206
        response.content_range = ContentRange("bytes", start, end, content.size)
    return _with_validators(response, content, cache)


def _link(content: Content, objects: ObjectStore) -> str | None:
    """Return where the bucket itself sends the content, to a client that can follow there; else None.

    A page is kept from other origins than its own by its policy, and a script by that of the bucket.
    """
    headers = request.headers
    is_script = headers.get("Sec-Fetch-Site") == "same-origin" or headers.get("Sec-Fetch-Mode") == "cors"
    is_known = media_type_of(content.key) == content.sent_type  # the bucket has it under the same type
    if request.method != "GET" or "If-Range" in headers or is_script or not is_known:
        return None
    return objects.link(content.key, LINK_SECONDS)


def marked(response: Response, size: int, note: Callable[[], None]) -> Response:
    """Return the response to a request for content of a size, which calls `note` once its end was sent.

    A client that has the content already has fetched it too, and so has one that is sent to the bucket.
    Where it cannot be noted, nothing is lost.
    """
    if response.status_code in (304, 307):
        _note(note)
    elif response.status_code in (200, 206) and request.method == "GET":
        end = response.content_range.stop if response.status_code == 206 else size
        if end == size:
            response.response = _then(response.response, note)
    return response


def _then(pieces: Any, note: Callable[[], None]) -> Iterator[bytes]:
    yield from pieces
    _note(note)


def _note(note: Callable[[], None]) -> None:
    with suppress(AtelierError):
        note()


def _with_validators(response: Response, content: Content, cache: str) -> Response:
    response.set_etag(content.sha256)
    response.headers["Cache-Control"] = cache
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Disposition"] = content.disposition
    return response


def _span(content: Content) -> tuple[int, int] | None:
    """Return start and end of what is asked for: the whole without a range, None if it lies outside."""
    found = _RANGE.fullmatch(request.headers.get("Range", ""))
    condition = request.headers.get("If-Range", f'"{content.sha256}"').strip()
    if found is None or request.method != "GET" or condition != f'"{content.sha256}"':
        return 0, content.size
    first, last, suffix = found.groups()
    if suffix is not None:
        return (max(0, content.size - int(suffix)), content.size) if int(suffix) else None
    if last and int(last) < int(first):
        return 0, content.size  # no range at all, which is ignored
    end = min(int(last) + 1, content.size) if last else content.size
    return (int(first), end) if int(first) < content.size else None


def _body(content: Content, objects: ObjectStore, start: int, end: int) -> Iterator[bytes]:
    if request.method == "HEAD" or start == end:
        return iter(())
    pieces = pieces_of(content, objects, start, end)
    return chain([next(pieces)], pieces)  # a missing object is found before the header is sent


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive."""

    name: str
    key: str  # in object storage
    size: int  # bytes
    sha256: str = ""  # "": not checked


@dataclass(frozen=True, slots=True)
class Text:
    """A file that is written on the way."""

    name: str
    pieces: Iterator[bytes]


def archive(members: Iterable[Member | Text], objects: ObjectStore) -> Iterator[bytes]:
    """Yield a ZIP file's bytes. Holds one piece of one member, and about half a kilobyte a member.

    Raises what storage raises, in the middle: a file that ends so lacks its directory, so no reader takes it
    for whole.
    """
    return _buffered(_archive_pieces(members, objects))


def _archive_pieces(members: Iterable[Member | Text], objects: ObjectStore) -> Iterator[bytes]:
    stream = ZipStream()
    for member in members:
        if isinstance(member, Text):
            stream.add(member.pieces, member.name)
        else:
            stream.add(pieces_of(member, objects, 0, member.size), member.name, size=member.size)
        yield from stream.file()
    yield from stream.footer()


def _buffered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join small pieces: each one that is yielded is a system call, and a chunk of the response."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= BUFFER_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
