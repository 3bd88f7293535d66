"""Build files that look like camera raws outside: TIFF files whose first picture is a thumbnail."""

import struct

from tests.support.images import pictures

_SHORT, _LONG = 3, 4


def tiff_with(*tags: tuple[int, int, int, bytes], sub: tuple[tuple[int, int, int, bytes], ...] = ()) -> bytes:
    """Return a good little-endian TIFF file of 32 x 24 pixels with more tags.

    A tag is (tag, type, number of values, values); `sub` are those of a directory below, where there is one.
    """
    data = pictures.tiff()
    start = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[start : start + 2], "little")
    own = {data[at : at + 2]: data[at : at + 12] for at in range(start + 2, start + 2 + 12 * count, 12)}
    tail = b""
    if sub:
        below = struct.pack("<H", len(sub)) + b"".join(_entry(*tag, 0)[0] for tag in sub) + bytes(4)
        tags, tail = (*tags, number(330, len(data), _LONG)), below
    for tag in tags:
        entry, body = _entry(*tag, len(data) + len(tail))
        own[entry[:2]] = entry
        tail += body
    table = b"".join(sorted(own.values(), key=lambda entry: entry[1::-1]))
    return (
        data[:4] + struct.pack("<I", len(data) + len(tail)) + data[8:] + tail
        + struct.pack("<H", len(own)) + table + bytes(4)
    )  # fmt: skip


def number(tag: int, value: int, kind: int = _SHORT) -> tuple[int, int, int, bytes]:
    """Return a tag of one number."""
    return tag, kind, 1, struct.pack("<I", value)


def text(tag: int, value: str) -> tuple[int, int, int, bytes]:
    """Return a tag of text."""
    return tag, 2, len(value) + 1, value.encode() + b"\0"


def _entry(tag: int, kind: int, count: int, values: bytes, place: int) -> tuple[bytes, bytes]:
    head = struct.pack("<HHI", tag, kind, count)
    if len(values) <= 4:
        return head + values.ljust(4, b"\0"), b""
    return head + struct.pack("<I", place), values


_THUMBNAIL, _MAKE = number(254, 1, _LONG), 271
_SENSOR = (number(259, 1), number(262, 32803))


def raws() -> dict[str, bytes]:
    """Return one file a kind, by what it is named in the refusal."""
    behind_header = pictures.tiff()
    return {
        "NEF": tiff_with(
            _THUMBNAIL, text(_MAKE, "NIKON CORPORATION"), sub=(number(259, 34713), *_SENSOR[1:])
        ),
        "ARW": tiff_with(_THUMBNAIL, text(_MAKE, "SONY"), (50740, 1, 4, bytes(4)), sub=(number(259, 32767),)),
        "SRW": tiff_with(text(_MAKE, "SAMSUNG"), sub=_SENSOR),
        "PEF": tiff_with(text(_MAKE, "PENTAX Corporation"), number(259, 65535), number(262, 32803)),
        "3FR": tiff_with(text(_MAKE, "Hasselblad"), sub=_SENSOR),
        "DNG": tiff_with((50706, 1, 4, b"\1\4\0\0")),
        "CR2": b"II*\0" + struct.pack("<I", 16) + b"CR\2\0" + bytes(4) + behind_header[8:],
        "IIQ": b"II*\0" + struct.pack("<I", 16) + b"IIII" + bytes(4) + behind_header[8:],
        "or another TIFF file that begins with a thumbnail": tiff_with(_THUMBNAIL),
        "RAF": b"FUJIFILMCCD-RAW 0201" + bytes(99),
        "ORF": b"IIRO\x08\0\0\0" + bytes(99),
        "RW2": b"IIU\0\x18\0\0\0" + bytes(99),
        "CRW": b"II\x1a\0\0\0HEAPCCDR" + bytes(99),
        "CR3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(99),
        "X3F": b"FOVb\0\0\2\0" + bytes(99),
        "MRW": b"\0MRM\0\0\0\0" + bytes(99),
    }
