"""Read the directories of a TIFF file or an EXIF block: their number, and which way up the picture is."""

import struct
from dataclasses import dataclass

_MAX_TAGS = 4096  # of one directory
_MAX_VALUES = 65_536  # of one tag; Pillow makes a Python object of each
_MAX_TABLE_VALUES = 3 * 65_536
_MAX_RATIONALS = 4096  # costly objects
_TABLES = {301, 320}  # transfer function, color map
_RATIONALS = {5, 10}
_BYTES = {1, 2, 7}  # types that Pillow leaves as they are
_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8)  # bytes of one value, by type
_ORDERS = {b"II": "<", b"MM": ">"}
_ORIENTATION = 0x0112
_SUB_DIRECTORIES = (0x8769, 0x8825, 0xA005)  # Exif, GPS, interoperability: Pillow loads them with a TIFF


@dataclass(frozen=True, slots=True)
class _Layout:
    """The widths that differ between TIFF and BigTIFF, in one byte order."""

    start: int  # where the first offset lies
    offset: struct.Struct
    count: struct.Struct
    entry: struct.Struct


def follow_directories(data: bytes, max_frames: int) -> tuple[int, int]:
    """Return the number of directories, counted up to one more than allowed, and the orientation, 1 to 8.

    ValueError where the tags claim far more than the data holds: Pillow would copy all of it.
    """
    layout = _layout(data[:4])
    if layout is None:
        return 1, 1
    seen: list[int] = []
    orientation = 1
    offset = _number(data, layout.start, layout.offset)
    while 0 < offset < len(data) and offset not in seen and len(seen) <= max_frames:
        tags, following = _read_directory(data, offset, layout)
        if not seen:
            orientation = tags.get(_ORIENTATION, 1)
            _check_sub_directories(data, tags, layout)
        seen.append(offset)
        offset = following
    return max(1, len(seen)), orientation if 1 <= orientation <= 8 else 1


def _layout(magic: bytes) -> _Layout | None:
    order = _ORDERS.get(magic[:2])
    if order is None:
        return None
    if magic[2:3] == b"+":
        widths = struct.Struct(order + "Q"), struct.Struct(order + "Q"), struct.Struct(order + "HHQ8s")
        return _Layout(8, *widths)
    return _Layout(4, struct.Struct(order + "I"), struct.Struct(order + "H"), struct.Struct(order + "HHI4s"))


def _check_sub_directories(data: bytes, tags: dict[int, int], layout: _Layout) -> None:
    for tag in _SUB_DIRECTORIES:
        if tag in tags:
            _read_directory(data, tags[tag], layout)


def _read_directory(data: bytes, offset: int, layout: _Layout) -> tuple[dict[int, int], int]:
    """Return the tags that hold one number, and where the next directory lies (0: nowhere)."""
    count = _number(data, offset, layout.count)
    _require(count <= _MAX_TAGS, "a directory has too many tags")
    first, size = offset + layout.count.size, layout.entry.size
    end = first + count * size
    tags: dict[int, int] = {}
    claimed = 0
    for position in range(first, min(end, len(data) - size + 1), size):
        tag, kind, values, inline = layout.entry.unpack_from(data, position)
        _require(kind in _BYTES or values <= _most_values(tag, kind), f"tag {tag} has too many values")
        claimed += min(_size_of(kind) * values, len(data))
        if values == 1 and kind in (3, 4, 13, 16):
            tags[tag] = _inline_number(inline, kind, layout)
    _require(claimed <= 4 * len(data) + 65_536, "its tags claim more bytes than it has")
    return tags, _number(data, end, layout.offset)


def _most_values(tag: int, kind: int) -> int:
    if kind in _RATIONALS:
        return _MAX_RATIONALS
    return _MAX_TABLE_VALUES if tag in _TABLES else _MAX_VALUES


def _size_of(kind: int) -> int:
    return _SIZES[kind] if kind < len(_SIZES) else 0  # Pillow skips types that it does not know


def _inline_number(inline: bytes, kind: int, layout: _Layout) -> int:
    order = layout.entry.format[0]
    return _number(inline, 0, struct.Struct(order + {3: "H", 16: "Q"}.get(kind, "I")))


def _number(data: bytes, offset: int, number: struct.Struct) -> int:
    """Return one unsigned number, or 0 behind the end."""
    if offset + number.size > len(data):
        return 0
    return int(number.unpack_from(data, offset)[0])


def _require(true: bool, fault: str) -> None:
    if not true:
        raise ValueError(fault)
