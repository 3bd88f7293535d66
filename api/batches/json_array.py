"""Finds the members of the array `items` in a JSON body, so that a large body is not parsed at once."""

import re

from api.requests.json_text import MAX_JSON_BYTES, STRING
from api.server.threads import ThreadYielder
from shared.errors import BodyTooLarge, InvalidRequest

Span = tuple[int, int]  # start and end of a member

_BRACE = re.compile(STRING + rb"|[{}]")
_MARK = re.compile(STRING + rb"|[{}\[\],]")
_MEMBER = re.compile(rb"\s*+(" + STRING + rb")\s*+:\s*+")
_START = re.compile(rb"\s*+\{")
_NEXT = re.compile(rb"\s*+([,\]])\s*+")
_SPACE = re.compile(rb"\s*+")
_NONE = re.compile(rb"\s*+\]")


def split_items(data: bytes, most: int) -> tuple[bytes, list[Span]] | None:
    """Return the body with an empty `items`, and the span of each item; None if the body has another form.

    The body must be an object with an array `items` of objects. Nothing is validated: the body is valid JSON
    if the returned body and each member are. Parsing one member takes microseconds; parsing all members at
    once would block every other thread for the whole time. Raises InvalidRequest at the first item after
    `most`, and BodyTooLarge at one that has more bytes than a job may have.
    """
    start = _START.match(data)
    at = start.end() if start else len(data)
    while member := _MEMBER.match(data, at):
        if member[1] == b'"items"':
            return _emptied(data, member.end(), most)
        at = _after(data, member.end())
    return None


def too_many_items(most: int) -> InvalidRequest:
    """Return the error for a request with more items than a batch may have."""
    return InvalidRequest(f"a batch may have {most} items; this request alone has more")


def _emptied(data: bytes, at: int, most: int) -> tuple[bytes, list[Span]] | None:
    if data[at : at + 1] != b"[":
        return None
    empty = _NONE.match(data, at + 1)
    found = ([], empty.end()) if empty else _spans(data, at + 1, most)
    return (data[:at] + b"[]" + data[found[1] :], found[0]) if found else None


def _spans(data: bytes, at: int, most: int) -> tuple[list[Span], int] | None:
    """Return the spans of the members of an array of objects that begins at `at`, and the array's end."""
    spans: list[Span] = []
    give_way = ThreadYielder()
    at = _SPACE.match(data, at).end()  # type: ignore[union-attr]  # also matches an empty string
    while data[at : at + 1] == b"{":
        end = _closing(data, at, len(spans))
        following = _NEXT.match(data, end)
        if following is None:
            return None
        if len(spans) == most:
            raise too_many_items(most)
        spans.append((at, end))
        at = following.end()
        if following[1] == b"]":
            return spans, following.end(1)
        give_way()
    return None


def _closing(data: bytes, at: int, position: int) -> int:
    """Return the end of the object that begins at `at`, or the end of the data if it is not closed."""
    depth, last = 0, at + MAX_JSON_BYTES
    for mark in _BRACE.finditer(data, at, last):
        if mark[0] == b"{":
            depth += 1
        elif mark[0] == b"}":
            depth -= 1
            if not depth:
                return mark.end()
    if last < len(data):
        raise BodyTooLarge.of_field(
            f"/items/{position}", f"item {position} may have at most {MAX_JSON_BYTES} bytes; it has more"
        )
    return len(data)


def _after(data: bytes, at: int) -> int:
    """Return the start of the next member of an object, after the value at `at`."""
    depth = 0
    for mark in _MARK.finditer(data, at):
        if mark[0] in (b"{", b"["):
            depth += 1
        elif mark[0] in (b"}", b"]"):
            depth -= 1
        elif mark[0] == b"," and not depth:
            return mark.end()
        if depth < 0:
            break
    return len(data)
