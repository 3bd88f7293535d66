"""Bodies of forms, taken apart: texts and pictures by field. File names are used for nothing."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

from flask import request
from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData, State

from api.edge_errors import MalformedForm
from api.form_parts import Fields, Parts, fault
from api.request_body import MULTIPART, URLENCODED, body_pieces, expect_form, whole_body
from api.services import services
from api.urlencoded import decoded_name, decoded_pairs, decoded_text
from shared.errors import BodyTooLarge

PICTURES = frozenset({"content", "style", "mask", "image", "file"})  # fields that are pictures without a name
MAX_PARTS = 1000
MAX_TEXT_BYTES = 500_000
MAX_HEADER_BYTES = 64 * 1024  # of one part
MAX_PREAMBLE_BYTES = 64 * 1024

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;]+))', re.IGNORECASE)
_FILE_NAME = re.compile(r";\s*filename\*?\s*=", re.IGNORECASE)  # its bytes may hide the quote that ends it
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # no text has these, every picture has
_LOOK_BYTES = 1024
_CHARSETS = frozenset({"ascii", "us-ascii", "utf-8", "iso-8859-1"})
_CODED = frozenset({"base64", "quoted-printable"})


@dataclass(slots=True)
class _Part:
    """One part of a form while it comes in."""

    name: str
    headers: Headers
    filename: str | None = None
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0

    @property
    def may_be_text(self) -> bool:
        """Whether it holds no file by what stands before it."""
        return self.filename is None and not self.headers.get("content-type", "").startswith("image/")

    def add(self, piece: bytes) -> None:
        """Take further bytes; raise BodyTooLarge that names the field."""
        self.pieces.append(piece)
        self.size += len(piece)
        if self.size > MAX_TEXT_BYTES and self.may_be_text and self.name not in PICTURES:
            raise _too_long(self.name)


def sent_form(*types: str) -> tuple[Fields, Parts]:
    """Return the texts and the files of the form; raise where it is of no such type, or cannot be read."""
    expect_form(*types)
    fields: list[tuple[str, str]] = []
    parts: list[tuple[str, bytes | None]] = []
    if request.mimetype == URLENCODED:
        fields += _pairs()
    elif request.mimetype == MULTIPART:
        for part in _sent_parts(_boundary()):
            data = b"".join(part.pieces)
            if _is_file(part, data):
                parts.append((part.name, data if data or part.filename else None))
            else:
                fields.append((part.name, decoded_text(part.name, data, _charset(part.headers))))
    return Fields(fields), Parts(parts)


def _is_file(part: _Part, data: bytes) -> bool:
    return not part.may_be_text or (
        part.name in PICTURES and _CONTROL.search(data, 0, _LOOK_BYTES) is not None
    )


def _boundary() -> bytes:
    """Return the boundary as it stands, quoted or not: many clients do not quote what must be."""
    found = _BOUNDARY.search(request.headers.get("Content-Type", ""))
    boundary = (found[1] or found[2] or "") if found else ""
    if not boundary:
        raise MalformedForm(
            "Content-Type has no boundary, which separates the parts of a form: leave that header to the "
            "HTTP client, which knows the boundary that it writes"
        )
    return boundary.encode("latin-1")


class _Decoder(MultipartDecoder):
    """Werkzeug's decoder of multipart bodies, to which names of any encoding are the same."""

    began = 0  # parts

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        headers = super()._parse_headers(bytes(data).decode("latin-1").encode())
        self.began += 1
        if not parse_options_header(headers.get("content-disposition"))[1].get("name"):
            raise MalformedForm(
                f"part {self.began} of the form has no name: it must begin with a header such as "
                'Content-Disposition: form-data; name="content"'
            )
        if self.began > MAX_PARTS:
            raise BodyTooLarge(f"a form may have at most {MAX_PARTS} parts; this one has more")
        return headers


def _sent_parts(boundary: bytes) -> Iterator[_Part]:
    part = None
    for event in _events(_Decoder(boundary), boundary):
        if isinstance(event, Field | File):
            part = _begun(event)
        elif isinstance(event, Data) and part is not None:
            part.add(event.data)
            if not event.more_data:
                yield part


def _begun(event: Field | File) -> _Part:
    name = decoded_name(event.name.encode("latin-1", "replace"))
    coding = event.headers.get("content-transfer-encoding", "").strip().lower()
    if coding in _CODED:
        detail = (
            f"{name} comes in the transfer encoding {coding}, which is not read: send its bytes as they are"
        )
        raise fault(f"/{name}", detail, "unsupported_encoding")
    return _Part(name, event.headers, _file_name(event))


def _file_name(event: Field | File) -> str | None:
    """Return the file's name, whatever it is worth, None for a text."""
    if isinstance(event, File):
        return event.filename
    return "unreadable" if _FILE_NAME.search(event.headers["content-disposition"]) else None


def _events(decoder: _Decoder, boundary: bytes) -> Iterator[Event]:
    """Yield what the decoder finds, up to the last boundary; raise MalformedForm where there is none."""
    part = ""
    for piece in _and_end(body_pieces(services().settings.limits.max_body_bytes)):
        decoder.receive_data(piece)
        while not isinstance(event := _next_event(decoder, boundary, part), NeedData | Epilogue):
            part = (
                decoded_name(event.name.encode("latin-1", "replace"))
                if isinstance(event, Field | File)
                else part
            )
            yield event
        if isinstance(event, Epilogue) and re.search(
            rb"--" + re.escape(boundary) + rb"[ \t]*[\r\n]", event.data
        ):
            raise MalformedForm("further parts stand behind the boundary that ends the form")
        _check_patience(decoder, boundary)


def _and_end(pieces: Iterable[bytes]) -> Iterator[bytes | None]:
    yield from pieces
    yield None


def _next_event(decoder: _Decoder, boundary: bytes, part: str) -> Event:
    try:
        return decoder.next_event()
    except ValueError as error:
        if decoder.state is State.PREAMBLE:
            if not decoder.buffer:
                return Epilogue(b"")  # nothing was sent: a form without fields
            raise _unbounded(boundary) from error
        where = f"in the part {part}" if decoder.state is not State.PART else "between two parts"
        raise MalformedForm(
            f"the form is cut off {where}: it does not end with its boundary and two hyphens"
        ) from error


def _check_patience(decoder: _Decoder, boundary: bytes) -> None:
    """Raise MalformedForm where what must be short does not end."""
    if decoder.state is State.PREAMBLE and len(decoder.buffer) > MAX_PREAMBLE_BYTES:
        raise _unbounded(boundary)
    if decoder.state is State.PART and len(decoder.buffer) > MAX_HEADER_BYTES:
        raise MalformedForm(
            f"the headers of part {decoder.began + 1} of the form are longer than {MAX_HEADER_BYTES} bytes"
        )


def _unbounded(boundary: bytes) -> MalformedForm:
    shown = boundary[:80].decode("latin-1")
    return MalformedForm(
        f"no part of the form begins with --{shown}, the boundary that Content-Type names: leave that header "
        "to the HTTP client, which knows the boundary that it writes"
    )


def _pairs() -> Iterator[tuple[str, str]]:
    """Yield the fields of a urlencoded form."""
    body = whole_body(services().settings.limits.max_body_bytes)
    try:
        pairs = list(decoded_pairs(body, limit=MAX_PARTS))
    except ValueError as error:
        raise BodyTooLarge(f"a form may have at most {MAX_PARTS} fields; this one has more") from error
    for name, data in pairs:
        if len(data) > MAX_TEXT_BYTES:
            raise _too_long(name)
        yield name, decoded_text(name, data)


def _charset(headers: Headers) -> str:
    given = parse_options_header(headers.get("content-type"))[1].get("charset", "").lower()
    return given if given in _CHARSETS else "utf-8"


def _too_long(name: str) -> BodyTooLarge:
    detail = f"{name} is a text of more than {MAX_TEXT_BYTES} bytes, the most that a field of a form may have"
    return cast(BodyTooLarge, BodyTooLarge.of_field(f"/{name}", detail))
