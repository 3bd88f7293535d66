"""Directories of a TIFF file or an EXIF block, and the orientation of a picture by EXIF, XMP or a text."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

ORIENTATION = 0x0112
MOST_BYTES = 1024 * 1024  # of XMP or a profile in text; a real one has some thousands
_MAX_TAGS = 65_536  # of one directory; TIFF has no room for more, and BigTIFF no need
_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)  # bytes of one value, by type
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}  # by type
_ORDERS = {b"II": "<", b"MM": ">"}
_IN_XMP = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\b")
HEADERS = re.compile(rb"\A(?:Exif\0\0)++")  # some programs write it twice
_BLANKS = re.compile(rb"\s+")


@dataclass(frozen=True, slots=True)
class Layout:
    """The widths that differ between TIFF and BigTIFF, in one byte order."""

    order: str  # "<" or ">"
    start: int  # where the first offset lies
    offset: struct.Struct
    count: struct.Struct
    entry: struct.Struct


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag as a directory states it."""

    tag: int
    kind: int  # type of its values
    count: int
    inline: bytes  # the values, or where they lie

    @property
    def size(self) -> int:
        """Bytes of all values together; 0 for a type that is not known."""
        return (_SIZES[self.kind] if self.kind < len(_SIZES) else 0) * self.count


def layout_of(data: bytes) -> Layout | None:
    """Return how the directories of a file are laid out; None where it is no TIFF."""
    order = _ORDERS.get(data[:2])
    if order is None:
        return None
    if b"+" in data[2:4]:
        widths = struct.Struct(order + "Q"), struct.Struct(order + "Q"), struct.Struct(order + "HHQ8s")
        return Layout(order, 8, *widths)
    widths = struct.Struct(order + "I"), struct.Struct(order + "H"), struct.Struct(order + "HHI4s")
    return Layout(order, 4, *widths)


def directories(data: bytes, layout: Layout, most: int) -> Iterator[int]:
    """Yield where the directories lie, each one once and no more than `most`."""
    seen: set[int] = set()
    offset = number_at(data, layout.start, layout.offset)
    while 0 < offset < len(data) and offset not in seen and len(seen) < most:
        seen.add(offset)
        yield offset
        tags = number_at(data, offset, layout.count)
        offset = number_at(data, offset + layout.count.size + tags * layout.entry.size, layout.offset)


def entries(data: bytes, offset: int, layout: Layout) -> Iterator[Entry]:
    """Yield the tags of one directory, as far as the data holds them."""
    count = min(number_at(data, offset, layout.count), _MAX_TAGS)
    first, size = offset + layout.count.size, layout.entry.size
    for position in range(first, min(first + count * size, len(data) - size + 1), size):
        yield Entry(*layout.entry.unpack_from(data, position))


def values(data: bytes, entry: Entry, layout: Layout) -> memoryview:
    """Return the bytes of a tag's values, as far as the data holds them; nothing is copied."""
    if entry.size <= len(entry.inline):
        return memoryview(entry.inline)[: entry.size]
    offset = int(layout.offset.unpack(entry.inline)[0])
    return memoryview(data)[offset : offset + entry.size]


def numbers(data: bytes, entry: Entry, layout: Layout, most: int) -> tuple[int, ...]:
    """Return a tag's whole numbers, no more than `most`; none where it has values of another type."""
    letter = _NUMBERS.get(entry.kind)
    if letter is None:
        return ()
    width = struct.calcsize(layout.order + letter)
    raw = values(data, entry, layout)[: most * width]
    return struct.unpack(f"{layout.order}{len(raw) // width}{letter}", raw[: len(raw) // width * width])


def number_at(data: bytes, offset: int, number: struct.Struct) -> int:
    """Return one unsigned number, or 0 behind the end."""
    if offset + number.size > len(data):
        return 0
    return int(number.unpack_from(data, offset)[0])


def orientation_of(exif: bytes, xmp: bytes = b"") -> int:
    """Return the orientation, 1 to 8: of EXIF, else of XMP, else 1."""
    found = _IN_XMP.search(xmp[:MOST_BYTES])
    return exif_orientation(exif) or (int(found[1]) if found else 1)


def exif_orientation(exif: bytes) -> int | None:
    """Return the orientation, 1 to 8, that an EXIF block states; None where it cannot be read.

    Of a tag with several values the first one counts. Only the first directory is looked at: however damaged
    the rest is, it plays no part.
    """
    exif = HEADERS.sub(b"", exif, count=1)
    layout = layout_of(exif)
    if layout is None:
        return None
    for offset in directories(exif, layout, 1):
        for entry in entries(exif, offset, layout):
            if entry.tag == ORIENTATION:
                found = numbers(exif, entry, layout, 1)
                return found[0] if found and 1 <= found[0] <= 8 else None
    return None


def text_of(kind: bytes, body: bytes) -> bytes:
    """Return the text of a PNG's text chunk behind its key; nothing where it is damaged or far too long."""
    _, _, rest = body.partition(b"\0")
    packed = kind == b"zTXt"
    if packed:
        rest = rest[1:]
    elif kind == b"iTXt":
        packed = rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return unpacked(rest, MOST_BYTES) if packed else rest[:MOST_BYTES]


def unpacked(packed: bytes, most: int) -> bytes:
    """Return what was compressed by zlib; nothing where it is damaged or has more than `most` bytes."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, most)
    except zlib.error:
        return b""
    return b"" if unpacker.unconsumed_tail else text


def raw_profile(text: bytes) -> bytes:
    """Return the bytes of what ImageMagick calls a raw profile: a name, a length, and hexadecimal digits."""
    words = _BLANKS.split(text.strip(), 2)
    try:
        return bytes.fromhex(words[2].decode("ascii")) if len(words) == 3 else b""
    except ValueError:
        return b""
