"""A ZIP file that is written while it is sent: pictures stored as they are, one after the other."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zipstream import ZipStream

from api.responses.content import PIECE_BYTES
from shared.errors import StorageUnavailable
from shared.storage.base import ObjectStore

BUFFER_BYTES = 128 * 1024  # sent at once where members are small


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive."""

    name: str
    key: str  # in object storage
    size: int  # bytes


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
    return _buffered(_pieces(members, objects))


def _pieces(members: Iterable[Member | Text], objects: ObjectStore) -> Iterator[bytes]:
    stream = ZipStream()
    for member in members:
        if isinstance(member, Text):
            stream.add(member.pieces, member.name)
        else:
            stream.add(_content(member, objects), member.name, size=member.size)
        yield from stream.file()
    yield from stream.footer()


def _content(member: Member, objects: ObjectStore) -> Iterator[bytes]:
    for at in range(0, member.size, PIECE_BYTES):
        end = min(at + PIECE_BYTES, member.size)
        piece = objects.get_range(member.key, at, end)
        if len(piece) != end - at:
            raise StorageUnavailable(f"{member.key} has less than its {member.size} bytes")
        yield piece


def _buffered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join small pieces: each one that is yielded is a system call, and a chunk of the answer."""
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
