"""Bodies of forms, taken apart: texts and pictures by field. File names are used for nothing."""

from collections.abc import Iterator

from flask import request
from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header

from api.requests.body import MULTIPART, URLENCODED, expect_form, whole_body
from api.requests.form_parts import Fields, Parts
from api.requests.multipart import MAX_PARTS, MAX_TEXT_BYTES, sent_parts, too_long
from api.requests.urlencoded import decoded_pairs, decoded_text
from api.services import services
from shared.errors import BodyTooLarge

_CHARSETS = frozenset({"ascii", "us-ascii", "utf-8", "iso-8859-1"})


def sent_form(*types: str) -> tuple[Fields, Parts]:
    """Return the texts and the files of the form; raise where it is of no such type, or cannot be read."""
    expect_form(*types)
    fields: list[tuple[str, str]] = []
    parts: list[tuple[str, bytes | None]] = []
    if request.mimetype == URLENCODED:
        fields += _pairs()
    elif request.mimetype == MULTIPART:
        for part in sent_parts():
            data = part.data.getvalue()
            if part.is_file:
                parts.append((part.name, data if data or part.filename else None))
            else:
                fields.append((part.name, decoded_text(part.name, data, _charset(part.headers))))
    return Fields(fields), Parts(parts)


def _pairs() -> Iterator[tuple[str, str]]:
    """Yield the fields of a urlencoded form."""
    body = whole_body(services().settings.limits.max_body_bytes)
    try:
        pairs = list(decoded_pairs(body, limit=MAX_PARTS))
    except ValueError as error:
        raise BodyTooLarge(f"a form may have at most {MAX_PARTS} fields; this one has more") from error
    for name, data in pairs:
        if len(data) > MAX_TEXT_BYTES:
            raise too_long(name)
        yield name, decoded_text(name, data)


def _charset(headers: Headers) -> str:
    given = parse_options_header(headers.get("content-type"))[1].get("charset", "").lower()
    return given if given in _CHARSETS else "utf-8"
