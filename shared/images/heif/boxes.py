"""The boxes of the family of MP4 (ISO/IEC 14496-12), read and written."""

import struct
from collections.abc import Iterator

from shared.images.structure import Budget, Unreadable

_LARGE, _TO_THE_END = 1, 0  # sizes that mean something else
_FIELDS = {0: "", 1: "B", 2: "H", 4: "I", 8: "Q"}  # by bytes


class Fields:
    """Reads whole numbers, the highest byte first; past the end it raises Unreadable."""

    __slots__ = ("_at", "_view")

    def __init__(self, view: memoryview) -> None:
        self._view, self._at = view, 0

    def number(self, size: int) -> int:
        """Return a number of 0, 1, 2, 4 or 8 bytes; that of no bytes is 0."""
        form = _FIELDS.get(size)
        if form is None:
            raise Unreadable("its header is damaged")
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> memoryview:
        """Return the next bytes."""
        start, self._at = self._at, self._at + size
        if self._at > len(self._view):
            raise Unreadable("its header is damaged")
        return self._view[start : self._at]

    def rest(self) -> memoryview:
        """Return all bytes that were not read."""
        return self._view[self._at :]

    def version(self) -> tuple[int, int]:
        """Return version and flags, with which a full box begins."""
        first = self.number(4)
        return first >> 24, first & 0xFFFFFF


def boxes(view: memoryview, budget: Budget) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and body of the boxes side by side; one that is cut off has what is there."""
    at = 0
    while at + 8 <= len(view):
        budget.spend()
        size, kind = struct.unpack_from(">I4s", view, at)
        head = 8
        if size == _LARGE:
            head, size = 16, int.from_bytes(view[at + 8 : at + 16], "big")
        elif size == _TO_THE_END:
            size = len(view) - at
        if size < head:
            raise Unreadable("its header is damaged")
        yield kind, view[at + head : at + size]
        at += size


def box(kind: bytes, *parts: bytes | memoryview) -> bytes:
    """Return a box."""
    return b"".join([struct.pack(">I4s", 8 + sum(map(len, parts)), kind), *parts])


def full_box(kind: bytes, version: int, flags: int, *parts: bytes | memoryview) -> bytes:
    """Return a box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)
