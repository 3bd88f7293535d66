"""Reads JSON text into values. Counts first what a text holds: a small one must not take much memory."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from api.errors import MalformedJson
from shared.errors import BodyTooLarge, FieldError, InvalidRequest

MAX_JSON_BYTES = 1024 * 1024  # of a job, alone or as an item
MAX_PARTS = 4_000  # objects, arrays and members of objects in it; 1,024 latents are as many arrays
MAX_TEMPLATE_PARTS = 200_000  # of a batch whose items are not apart, such as a template with its lists
MAX_ENTRIES = 600_000  # commas: six lists of 50,000 values, and the latents of one job
MAX_MEMBERS = 100  # of one object

# A string, also one that does not end. It takes no way back: time grows with the text, and memory does not.
STRING = rb'(?s:"[^"\\]*+(?:\\.[^"\\]*+)*+"?)'
# A picture as a data URL, in a field that takes one. It has only signs of ASCII, so that its text has no more
# bytes in memory than in the body.
_URL_TEXT = rb"[ !#-\[\]-~]*+"
_PICTURE = re.compile(
    rb'"(?:content|mask|image)"\s*+:\s*+"[Dd][Aa][Tt][Aa]:' + _URL_TEXT + rb"(?:\\/" + _URL_TEXT + rb')*+"'
)
_PARTS = (b"[", b"{", b":")
_MARK = re.compile(STRING + rb"|[\[{:,]")
_BOM = b"\xef\xbb\xbf"


def decode_json(text: bytes | str, *, subject: str = "the body", most: int = MAX_PARTS) -> Any:
    """Return the value of JSON text, which may begin with a byte order mark.

    NaN, Infinity and lone surrogates are not JSON. Raises MalformedJson; BodyTooLarge where it has more than
    `most` parts; InvalidRequest where an object has too many members.
    """
    data = without_mark(text.encode() if isinstance(text, str) else text)
    _check_parts(data, subject, most)
    try:
        value = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedJson(f"{subject} is not JSON: {error}") from error
    if data.count(b":") > MAX_MEMBERS:
        _check_members(value, subject)
    return value


def check_without_pictures(data: bytes) -> None:
    """Raise BodyTooLarge where a JSON body has too many bytes beside the pictures in it, as data URLs."""
    if len(data) <= MAX_JSON_BYTES:
        return
    size = len(data) - sum(found.end() - found.start() for found in _PICTURE.finditer(data))
    if size > MAX_JSON_BYTES:
        raise BodyTooLarge(
            f"a JSON body may have at most {MAX_JSON_BYTES} bytes beside pictures in data URLs; "
            f"this one has {size}"
        )


def without_mark(data: bytes) -> bytes:
    """Return a text without the byte order mark that some editors and clients begin it with."""
    return data.removeprefix(_BOM)


def _check_parts(data: bytes, subject: str, most: int) -> None:
    """Raise BodyTooLarge where the text has too many values. Strings are looked at only where they matter."""
    if len(data) <= min(most, MAX_ENTRIES):  # each has a byte at least
        return
    if sum(data.count(mark) for mark in _PARTS) > most or data.count(b",") > MAX_ENTRIES:
        parts = entries = 0
        for mark in _MARK.finditer(data):
            parts += mark[0] in _PARTS
            entries += mark[0] == b","
            if parts > most or entries > MAX_ENTRIES:
                raise BodyTooLarge(
                    f"{subject} may have at most {most} arrays, objects and members of objects, and "
                    f"{MAX_ENTRIES} values; this one has more"
                )


def _check_members(value: Any, subject: str) -> None:
    for place, found in _objects(value):  # not deep: the parser refuses what is
        if len(found) > MAX_MEMBERS:
            name = ".".join(place) or subject
            detail = f"{name} has {len(found)} fields; an object may have at most {MAX_MEMBERS}"
            where = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in place)
            raise InvalidRequest(detail, errors=[FieldError(where, detail, "invalid_length")])


def _objects(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield each object in a value with its place."""
    if isinstance(value, dict):
        yield place, value
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list):
            yield from _objects(inner, (*place, str(name)))
