"""What a result takes over of its content's metadata: EXIF and XMP, read as far as possible, written again.

Nothing is copied as it lies there: tags and properties are picked, of bounded size. So the orientation, which
has been applied, the thumbnail and all that tells of the content's pixels stay behind, whatever is asked for.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from shared.images.container import walk
from shared.images.exif import HEADERS, Entry, Layout, directories, entries, layout_of, number_at, values
from shared.images.formats import SNIFFED, sniff

Choice = Literal["none", "safe", "all"]

_MOST_BYTES = 60_000  # of EXIF: a segment of a JPEG has hardly more
_MOST_XMP = 40_000  # bytes: the recipe rides in the same segment
_MOST_TEXT = 2000  # characters of one property
_EXIF_DIRECTORY, _PLACE_DIRECTORY = 0x8769, 0x8825
# Description, maker, model, date, artist, copyright.
_SAFE = frozenset({270, 271, 272, 306, 315, 33432})
# Exposure, aperture, program, sensitivity, dates and their zones, flash, focal length, lens.
_SAFE_EXIF = frozenset({
    33434, 33437, 34850, 34855, 36867, 36868, 36880, 36881, 36882, 37377, 37378, 37380, 37383, 37385, 37386,
    37520, 37521, 37522, 41989, 42034, 42035, 42036,
})  # fmt: skip
# Places and ways of pixels, orientation, colors, other blocks; directories are written again.
_OF_PIXELS = frozenset({
    *range(254, 270), 273, 274, 277, 278, 279, 280, 281, 284, *range(288, 294), 301, *range(317, 348),
    512, *range(513, 522), *range(529, 533), 700, 33421, 33422, 33723, 34377, 34675,
    _EXIF_DIRECTORY, _PLACE_DIRECTORY,
})  # fmt: skip
# The maker's own notes, whose insides point to places in the old file; colors, size, interoperability.
_OF_PIXELS_EXIF = frozenset({37500, 40961, 40962, 40963, 40965})
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC, _XMP = "{http://purl.org/dc/elements/1.1/}", "{http://ns.adobe.com/xap/1.0/}"
_TIFF, _EXIF = "{http://ns.adobe.com/tiff/1.0/}", "{http://ns.adobe.com/exif/1.0/}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
_IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
_SAFE_PROPERTIES = {
    f"{_DC}title": "dc:title", f"{_DC}description": "dc:description", f"{_DC}creator": "dc:creator",
    f"{_DC}rights": "dc:rights", f"{_XMP}CreateDate": "xmp:CreateDate",
    f"{_PHOTOSHOP}DateCreated": "photoshop:DateCreated", f"{_EXIF}DateTimeOriginal": "exif:DateTimeOriginal",
    f"{_TIFF}Make": "tiff:Make", f"{_TIFF}Model": "tiff:Model",
}  # fmt: skip
_STALE = frozenset({  # properties of the content's pixels, and what is said again
    f"{_TIFF}Orientation", f"{_TIFF}ImageWidth", f"{_TIFF}ImageLength", f"{_EXIF}PixelXDimension",
    f"{_EXIF}PixelYDimension", f"{_EXIF}ColorSpace", f"{_PHOTOSHOP}ICCProfile", f"{_XMP}Thumbnails",
    f"{_IPTC}DigitalSourceType", "{http://ns.adobe.com/xmp/note/}HasExtendedXMP",
    "{https://atelier.invalid/ns/1.0/}recipe",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Carried:
    """Metadata that goes into a result."""

    exif: bytes = b""  # a whole block, as TIFF has it
    properties: Mapping[str, str] = field(default_factory=dict)  # as `worker/codec/metadata.py` writes them
    descriptions: str = ""  # of an XMP packet, whole


def carried_from(data: bytes, choice: Choice) -> Carried:
    """Return what a picture's file has of it; nothing where there is none, or it cannot be read."""
    if choice == "none":
        return Carried()
    found = walk(sniff(data[:SNIFFED]), data, 1)
    exif = _exif(HEADERS.sub(b"", found.exif, count=1), is_all=choice == "all")
    properties = list(_descriptions(found.xmp))
    if choice == "all":
        return Carried(exif, descriptions=_whole(properties))
    return Carried(exif, dict(_safe(properties)))


def _exif(block: bytes, *, is_all: bool) -> bytes:
    """Return a block of the tags that are wanted; b"" where there is none."""
    layout = layout_of(block)
    first = next(iter(directories(block, layout, 1)), 0) if layout else 0
    if layout is None or not first:
        return b""
    tags = list(entries(block, first, layout))
    room = _Room()
    wanted = [each for each in tags if (each.tag not in _OF_PIXELS if is_all else each.tag in _SAFE)]
    inside = list(_directory(block, tags, _EXIF_DIRECTORY, layout))
    inside = [
        each for each in inside if (each.tag not in _OF_PIXELS_EXIF if is_all else each.tag in _SAFE_EXIF)
    ]
    place = list(_directory(block, tags, _PLACE_DIRECTORY, layout)) if is_all else []
    parts = [room.fitting(block, part, layout) for part in (wanted, inside, place)]
    return _written(parts, layout.order) if any(parts) else b""


def _directory(block: bytes, tags: list[Entry], tag: int, layout: Layout) -> Iterator[Entry]:
    pointer = next((each.inline for each in tags if each.tag == tag), None)
    if pointer is not None:
        yield from entries(block, number_at(pointer, 0, layout.offset), layout)


_Tag = tuple[int, int, int, bytes]  # tag, type, number and bytes of its values


class _Room:
    """Counts down the bytes that may still be taken over."""

    def __init__(self) -> None:
        self._left = _MOST_BYTES

    def fitting(self, block: bytes, listed: list[Entry], layout: Layout) -> list[_Tag]:
        """Return the tags that are whole and fit, each once, in order."""
        taken: dict[int, _Tag] = {}
        for entry in listed:
            raw = bytes(values(block, entry, layout)[: self._left + 1]) if entry.size else b""
            if entry.tag in taken or not raw or len(raw) < entry.size or len(raw) + 12 > self._left:
                continue
            if entry.kind <= _OLDEST_TYPES:
                self._left -= len(raw) + 12
                taken[entry.tag] = entry.tag, entry.kind, entry.count, raw
        return [taken[tag] for tag in sorted(taken)]


_OLDEST_TYPES = 12  # those of BigTIFF are not read elsewhere


def _written(parts: list[list[_Tag]], order: str) -> bytes:
    """Return the block: the first directory, with those of the camera's settings and of the place."""
    main, inside, place = parts
    start = 8 + _size(main) + 12 * (bool(inside) + bool(place))
    pointers: list[_Tag] = []
    body = b""
    for tag, part in ((_EXIF_DIRECTORY, inside), (_PLACE_DIRECTORY, place)):
        if part:
            pointers.append((tag, 4, 1, struct.pack(f"{order}I", start + len(body))))
            body += _packed(part, start + len(body), order)
    first = _packed(sorted([*main, *pointers]), 8, order)
    sign = b"II" if order == "<" else b"MM"
    return sign + struct.pack(f"{order}HI", 42, 8) + first + body


def _size(part: list[_Tag]) -> int:
    return 6 + sum(12 + (len(raw) + len(raw) % 2 if len(raw) > 4 else 0) for *_, raw in part)


def _packed(part: list[_Tag], at: int, order: str) -> bytes:
    table, tail, behind = b"", b"", at + 6 + 12 * len(part)
    for tag, kind, count, raw in part:
        inline = raw.ljust(4, b"\0")
        if len(raw) > 4:
            inline = struct.pack(f"{order}I", behind + len(tail))
            tail += raw + bytes(len(raw) % 2)
        table += struct.pack(f"{order}HHI", tag, kind, count) + inline
    return struct.pack(f"{order}H", len(part)) + table + bytes(4) + tail


def _descriptions(packet: bytes) -> Iterator[ElementTree.Element]:
    """Yield the descriptions of an XMP packet; none where it is large, damaged, or defines entities."""
    packet = packet.strip(b"\0 \r\n\t")
    if len(packet) > 2 * _MOST_XMP or b"<!" in packet:
        return
    try:
        root = ElementTree.fromstring(packet.decode())
    except (ElementTree.ParseError, UnicodeDecodeError, ValueError):
        return
    yield from root.iter(f"{_RDF}Description")


def _safe(descriptions: list[ElementTree.Element]) -> Iterator[tuple[str, str]]:
    left = _MOST_XMP
    for description in descriptions:
        for name, text in [*description.attrib.items(), *((each.tag, _text(each)) for each in description)]:
            if name not in _SAFE_PROPERTIES or not text.strip():
                continue
            shown = text.strip()[:_MOST_TEXT]
            left -= len(escape(shown).encode())
            if left > 0:
                yield _SAFE_PROPERTIES[name], shown


def _text(element: ElementTree.Element) -> str:
    """Return an element's text, or that of the first in its list."""
    first = next(element.iter(f"{_RDF}li"), element)
    return first.text or ""


def _whole(descriptions: list[ElementTree.Element]) -> str:
    """Return the descriptions as text, without what does not hold any more."""
    for description in descriptions:
        for name in _STALE & description.attrib.keys():
            del description.attrib[name]
        for child in [each for each in description if each.tag in _STALE]:
            description.remove(child)
    try:
        text = "".join(ElementTree.tostring(each, "unicode") for each in descriptions)
    except RecursionError:
        return ""
    return text if len(text.encode()) <= _MOST_XMP else ""


for _prefix, _space in {
    "rdf": _RDF, "dc": _DC, "xmp": _XMP, "tiff": _TIFF, "exif": _EXIF, "photoshop": _PHOTOSHOP,
    "Iptc4xmpExt": _IPTC,
}.items():  # fmt: skip
    ElementTree.register_namespace(_prefix, _space[1:-1])
