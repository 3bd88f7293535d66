"""Multipart bodies, part by part. Names of files are used for nothing, so any encoding of them will do."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import cast

from flask import request
from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData, State

from api.errors import MalformedForm
from api.requests.body import body_pieces, decoded_name
from api.requests.pictures import fault
from api.services import services
from shared.errors import BodyTooLarge

PICTURES = frozenset(
    {"content", "style", "mask", "image", "file", "picture"}
)  # fields that are pictures without a name
MAX_PARTS = 1000
MAX_TEXT_BYTES = 500_000
MAX_FORM_TEXT_BYTES = 1024 * 1024  # of all texts of a form, of either type
MAX_HEADER_BYTES = 64 * 1024  # of one part
MAX_PREAMBLE_BYTES = 64 * 1024

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;]+))', re.IGNORECASE)
_FILE_NAME = re.compile(r";\s*filename\*?\s*=", re.IGNORECASE)  # its bytes may hide the quote that ends it
_NAME = re.compile(r";\s*name\s*=", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*("?)')  # or what does not end: no quote is looked at twice
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # no text has these, every picture has
_LOOK_BYTES = 1024
_CODED = frozenset({"base64", "quoted-printable"})


@dataclass(slots=True)
class SentPart:
    """One part of a form."""

    name: str
    headers: Headers
    filename: str | None = None
    data: BytesIO = field(default_factory=BytesIO)

    @property
    def may_be_text(self) -> bool:
        """Whether it holds no file by its headers."""
        return self.filename is None and not self.headers.get("content-type", "").startswith("image/")

    @property
    def is_file(self) -> bool:
        """Whether it holds a file: a picture without a file's name is known by its bytes."""
        if not self.may_be_text:
            return True
        return self.name in PICTURES and _CONTROL.search(self.data.getvalue(), 0, _LOOK_BYTES) is not None

    def add(self, piece: bytes) -> None:
        """Take further bytes; raise BodyTooLarge that names the field."""
        self.data.write(piece)
        if self.data.tell() > MAX_TEXT_BYTES and self.may_be_text and self.name not in PICTURES:
            raise too_long(self.name)


def sent_parts() -> Iterator[SentPart]:
    """Yield the parts of the request's body; raise MalformedForm, BodyTooLarge or InvalidRequest."""
    decoder, part = _Decoder(_boundary()), None
    for event in _events(decoder):
        if isinstance(event, Field | File):
            part = _begun(decoder.name, event)
        elif isinstance(event, Data) and part is not None:
            part.add(event.data)
            if not event.more_data:
                yield part


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
    name = ""  # of the part that began last

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        self.began += 1
        if re.search(rb"[\r\n]--" + re.escape(self.boundary), data):
            raise MalformedForm(
                f"the headers of part {self.began} of the form do not end: an empty line must follow them"
            )
        headers = super()._parse_headers(bytes(data).decode("latin-1").encode())
        disposition = headers.get("content-disposition", "")
        name = parse_options_header(disposition)[1].get("name", "")
        self.name = decoded_name(name.encode("latin-1", "replace"))
        if not name:
            raise MalformedForm(
                f"part {self.began} of the form has no name: it must begin with a header such as "
                'Content-Disposition: form-data; name="content"'
            )
        if count_names(disposition) > 1:  # readers differ in which one they take
            raise MalformedForm(f"part {self.began} of the form has more than one name: send one")
        if self.began > MAX_PARTS:
            raise BodyTooLarge(f"a form may have at most {MAX_PARTS} parts; this one has more")
        return headers


def count_names(disposition: str) -> int:
    """Return how many names a part's Content-Disposition gives; what is quoted holds none."""
    bare = _QUOTED.sub(lambda found: '""' if found[1] else found[0], disposition)
    return len(_NAME.findall(bare))


def _begun(name: str, event: Field | File) -> SentPart:
    coding = event.headers.get("content-transfer-encoding", "").strip().lower()
    if coding in _CODED:
        detail = (
            f"{name} comes in the transfer encoding {coding}, which is not read: send its bytes as they are"
        )
        raise fault(f"/{name}", detail, "unsupported_encoding")
    return SentPart(name, event.headers, _file_name(event))


def _file_name(event: Field | File) -> str | None:
    """Return the file's name as it was sent, None for a text."""
    if isinstance(event, File):
        return event.filename
    return "unreadable" if _FILE_NAME.search(event.headers["content-disposition"]) else None


def _events(decoder: _Decoder) -> Iterator[Event]:
    """Yield what the decoder finds, up to the last boundary; raise MalformedForm where there is none."""
    for piece in _and_end(body_pieces(services().settings.limits.max_body_bytes)):
        decoder.receive_data(piece)
        while not isinstance(event := _next_event(decoder), NeedData | Epilogue):
            yield event
        if isinstance(event, Epilogue):
            _check_end(decoder.boundary, event.data)
        _check_patience(decoder)


def _and_end(pieces: Iterable[bytes]) -> Iterator[bytes | None]:
    yield from pieces
    yield None


def _next_event(decoder: _Decoder) -> Event:
    try:
        return decoder.next_event()
    except ValueError as error:
        if decoder.state is State.PREAMBLE:
            if not decoder.buffer:
                return Epilogue(b"")  # nothing was sent: a form without fields
            raise _unbounded(decoder.boundary) from error
        where = f"in the part {decoder.name}" if decoder.state is not State.PART else "between two parts"
        raise MalformedForm(
            f"the form is cut off {where}: it does not end with its boundary and two hyphens"
        ) from error


def _check_end(boundary: bytes, epilogue: bytes) -> None:
    """Raise MalformedForm where a further part begins behind the end, which was then a damaged boundary."""
    if re.search(rb"--" + re.escape(boundary) + rb"[ \t]*[\r\n]", epilogue):
        raise MalformedForm("further parts stand behind the boundary that ends the form")


def _check_patience(decoder: _Decoder) -> None:
    """Raise MalformedForm where what must be short does not end."""
    if decoder.state is State.PREAMBLE and len(decoder.buffer) > MAX_PREAMBLE_BYTES:
        raise _unbounded(decoder.boundary)
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


def too_long(name: str) -> BodyTooLarge:
    """Return the error for a text over the limit."""
    detail = f"{name} is a text of more than {MAX_TEXT_BYTES} bytes, the most that a field of a form may have"
    return cast(BodyTooLarge, BodyTooLarge.of_field(f"/{name}", detail))
