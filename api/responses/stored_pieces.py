"""Stored bytes piece by piece, checked against what their record says of them."""

import hashlib
from collections.abc import Iterator
from typing import Protocol

from shared.storage.base import ObjectStore, damaged

PIECE_BYTES = 1024 * 1024


class Stored(Protocol):
    """What is known of stored bytes."""

    @property
    def key(self) -> str:
        """Their key in object storage."""

    @property
    def size(self) -> int:
        """How many they are."""

    @property
    def sha256(self) -> str:
        """Their digest; "" if nobody noted it."""


def pieces_of(
    stored: Stored, objects: ObjectStore, start: int, end: int, *, piece_bytes: int = PIECE_BYTES
) -> Iterator[bytes]:
    """Yield stored bytes from start up to, not including, end.

    Raises ObjectDamaged for a piece that is too short, and in place of the last one where all that were asked
    for together are not what was stored: a client never has the whole of something wrong.
    """
    digest = hashlib.sha256() if stored.sha256 and (start, end) == (0, stored.size) else None
    for at in range(start, end, piece_bytes):
        upto = min(at + piece_bytes, end)
        piece = objects.get_range(stored.key, at, upto)
        if digest is not None:
            digest.update(piece)
        is_wrong = digest is not None and upto == end and digest.hexdigest() != stored.sha256
        if is_wrong or len(piece) != upto - at:
            raise damaged(stored.key)
        yield piece
