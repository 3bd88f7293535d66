"""Finds the members of the array `items` in a JSON body, so that a large body need not be read in one go."""

import re

from api.server.threads import ThreadYielder

Span = tuple[int, int]  # where a member begins, and where it has ended

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_BRACE = re.compile(_STRING + rb"|[{}]")
_MARK = re.compile(_STRING + rb"|[{}\[\],]")
_MEMBER = re.compile(rb"\s*(" + _STRING + rb")\s*:\s*")
_START = re.compile(rb"\s*\{")
_NEXT = re.compile(rb"\s*([,\]])\s*")
_SPACE = re.compile(rb"\s*")
_NONE = re.compile(rb"\s*\]")


def split_items(data: bytes) -> tuple[bytes, list[Span]] | None:
    """Return the body with `items` emptied, and where each of them was; None where this way is not open.

    It is for an object with an array `items` of objects. Nothing is validated: the body is JSON if what is
    returned is, and each member. Reading a member takes microseconds, reading them all at once would hold up
    every other thread for as long as it takes.
    """
    start = _START.match(data)
    at = start.end() if start else len(data)
    while member := _MEMBER.match(data, at):
        if member[1] == b'"items"':
            return _emptied(data, member.end())
        at = _after(data, member.end())
    return None


def _emptied(data: bytes, at: int) -> tuple[bytes, list[Span]] | None:
    if data[at : at + 1] != b"[":
        return None
    empty = _NONE.match(data, at + 1)
    found = ([], empty.end()) if empty else _spans(data, at + 1)
    return (data[:at] + b"[]" + data[found[1] :], found[0]) if found else None


def _spans(data: bytes, at: int) -> tuple[list[Span], int] | None:
    """Return the members of an array of objects that begins at a place, and where it has ended."""
    spans: list[Span] = []
    give_way = ThreadYielder()
    at = _SPACE.match(data, at).end()  # type: ignore[union-attr]  # matches nothing, too
    while data[at : at + 1] == b"{":
        end = _closing(data, at)
        following = _NEXT.match(data, end)
        if following is None:
            return None
        spans.append((at, end))
        at = following.end()
        if following[1] == b"]":
            return spans, following.end(1)
        give_way()
    return None


def _closing(data: bytes, at: int) -> int:
    """Return where the object that begins at a place has ended; the end of the data where it does not."""
    depth = 0
    for mark in _BRACE.finditer(data, at):
        if mark[0] == b"{":
            depth += 1
        elif mark[0] == b"}":
            depth -= 1
            if not depth:
                return mark.end()
    return len(data)


def _after(data: bytes, at: int) -> int:
    """Return where the next member of an object begins, after the value at a place."""
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
