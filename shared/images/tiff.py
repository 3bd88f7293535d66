"""Copy a TIFF file's first picture under a directory that holds nothing but the tags that decoding needs."""

import struct
from collections.abc import Sequence

from PIL.TiffImagePlugin import COMPRESSION_INFO

from shared.images.exif import (
    MOST_BYTES,
    ORIENTATION,
    Entry,
    Layout,
    directories,
    entries,
    layout_of,
    numbers,
    orientation_of,
    values,
)
from shared.images.structure import MAX_PROFILE, Container, Unreadable, Unsupported

_NEEDED = frozenset({
    256, 257, 258, 259, 262, 266, 277, 278, 284, 292, 293, 317, 332, 338, 339,
    512, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532,
})  # fmt: skip
_PLACES = frozenset({273, 279, 322, 323, 324, 325, 513, 514})  # of strips and tiles
_COMPRESSION = 259
_COLOR_MAP, _JPEG_TABLES, _PROFILE = 320, 347, 34675
_MAX_VALUES = 65_536  # of one tag; Pillow makes a Python object of each
_MAX_TABLE = {_COLOR_MAP: 3 * 65_536, _JPEG_TABLES: 65_536}
_XMP, _SHORT = 700, 3
_RATIONALS = (5, 10)
_MAX_RATIONALS = 4096  # costly objects
_NARROW = {16: (4, "Q", "I"), 17: (9, "q", "i"), 18: (13, "Q", "I")}  # BigTIFF's types: what they become

_Values = tuple[int, int, bytes]  # type, number and bytes of a tag's values, as TIFF has them


def walk_tiff(data: bytes, max_frames: int) -> Container:
    """Count the pages; the copy has the first one alone, in the layout of TIFF even where it is a BigTIFF."""
    layout = layout_of(data)
    if layout is None:
        raise Unreadable("its header is damaged")
    pages = list(directories(data, layout, max_frames + 1))
    if not pages:
        raise Unreadable("it ends before its first directory")
    listed = list(entries(data, pages[0], layout))
    xmp = _text(data, listed, layout, _XMP, MOST_BYTES)
    orientation = orientation_of(data, xmp)
    _check_compression(data, listed, layout)
    tags = {entry.tag: entry for entry in listed if _is_needed(entry)}
    bodies = {tag: _narrowed(tags[tag], data, layout) for tag in tags}
    bodies[ORIENTATION] = _SHORT, 1, struct.pack(f"{layout.order}H", orientation)
    return Container(
        data=_with_directory(data, bodies, layout.order),
        frames=len(pages),
        orientation=orientation,
        exif=data,
        xmp=xmp,
        profile=_text(data, listed, layout, _PROFILE, MAX_PROFILE) or None,
    )


def _text(data: bytes, listed: Sequence[Entry], layout: Layout, tag: int, most: int) -> bytes:
    """Return the bytes of a tag that decoding does not need, as far as they are there, up to `most`."""
    found = next((entry for entry in listed if entry.tag == tag), None)
    return b"" if found is None else bytes(values(data, found, layout)[:most])


def _check_compression(data: bytes, listed: Sequence[Entry], layout: Layout) -> None:
    for entry in listed:
        found = numbers(data, entry, layout, 1) if entry.tag == _COMPRESSION else ()
        if found and found[0] not in COMPRESSION_INFO:
            raise Unsupported(
                f"it is compressed in a way that is not read ({found[0]}); save it with LZW or ZIP"
            )


def _with_directory(data: bytes, bodies: dict[int, _Values], order: str) -> bytes:
    """Return the file with one directory at its end; what lies before it stays in its place."""
    tail, table = bytearray(len(data) & 1), bytearray()
    for tag, (kind, count, body) in sorted(bodies.items()):
        if len(body) > 4:
            place = struct.pack(f"{order}I", len(data) + len(tail))
            tail += body + bytes(len(body) & 1)
            body = place
        table += struct.pack(f"{order}HHI", tag, kind, count) + body.ljust(4, b"\0")
    header = data[:2] + struct.pack(f"{order}HI", 42, len(data) + len(tail))
    return b"".join(
        [header, memoryview(data)[8:], tail, struct.pack(f"{order}H", len(bodies)), table, bytes(4)]
    )


def _is_needed(entry: Entry) -> bool:
    if not entry.size:
        return False  # of a type that nobody knows
    if entry.tag in _MAX_TABLE:
        return _require(entry.count <= _MAX_TABLE[entry.tag], entry)
    if entry.tag in _NEEDED | _PLACES:
        most = _MAX_RATIONALS if entry.kind in _RATIONALS else _MAX_VALUES
        return _require(entry.count <= most, entry)
    return False


def _require(fits: bool, entry: Entry) -> bool:
    if not fits:
        raise Unreadable(f"tag {entry.tag} has too many values: no program writes so many")
    return True


def _narrowed(entry: Entry, data: bytes, layout: Layout) -> _Values:
    raw = bytes(values(data, entry, layout))
    if len(raw) < entry.size:
        raise Unreadable(f"it ends before the values of tag {entry.tag}")
    if entry.kind not in _NARROW:
        return entry.kind, entry.count, raw
    kind, wide, narrow = _NARROW[entry.kind]
    count = len(raw) // 8
    large = struct.unpack(f"{layout.order}{count}{wide}", raw[: 8 * count])
    try:
        return kind, count, struct.pack(f"{layout.order}{count}{narrow}", *large)
    except struct.error:
        raise Unreadable(f"tag {entry.tag} points behind its end") from None
