"""Files of pictures taken apart, and put together again with lengths and sums that fit."""

import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from tests.support.images.metadata import jpeg_positions, riff
from tests.support.images.pictures import chunk

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EXTENSION, _IMAGE = 0x21, 0x2C


def split(image_format: str, data: bytes) -> list[bytes]:
    """Return the parts of a sound file: chunks, segments, blocks or what a format has."""
    return _SPLITTERS[image_format](data)


def join(image_format: str, parts: Sequence[bytes]) -> bytes:
    """Return a file of parts; what a format says of their lengths and sums is right."""
    if image_format == "png":
        return PNG_SIGNATURE + b"".join(chunk(part[:4], part[4:]) for part in parts)
    if image_format == "webp":
        body = b"WEBP" + b"".join(riff(part[:4], part[4:]) for part in parts)
        return b"RIFF" + struct.pack("<I", len(body)) + body
    return b"".join(parts)


def _pngs(data: bytes) -> list[bytes]:
    """Return the chunks, each its kind and its body."""
    return list(_chunks(data, len(PNG_SIGNATURE), ">", 4))


def _webps(data: bytes) -> list[bytes]:
    return list(_chunks(data, 12, "<", 0))


def _chunks(data: bytes, at: int, order: str, tail: int) -> Iterator[bytes]:
    while at + 8 <= len(data):
        first, second = data[at : at + 4], data[at + 4 : at + 8]
        kind, size = (first, second) if order == "<" else (second, first)
        (length,) = struct.unpack(f"{order}I", size)
        yield kind + data[at + 8 : at + 8 + length]
        at += 8 + length + (tail or length % 2)


def _jpegs(data: bytes) -> list[bytes]:
    """Return the segments; the last one is the scan."""
    places = [0, *jpeg_positions(data), len(data)]
    return [data[start:end] for start, end in pairwise(sorted(set(places)))]


def _gifs(data: bytes) -> list[bytes]:
    """Return the header, then extensions and images with their blocks, then the trailer."""
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    parts = [data[:at]]
    while at < len(data) and data[at] in (_EXTENSION, _IMAGE):
        start = at
        at = _end_of_blocks(data, _start_of_blocks(data, at))
        parts.append(data[start:at])
    return [*parts, data[at:]]


def _start_of_blocks(data: bytes, at: int) -> int:
    if data[at] == _EXTENSION:
        return at + 2
    flags = data[at + 9]
    return at + 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)


def _end_of_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1


def _tiffs(data: bytes) -> list[bytes]:
    """Return the head, the tags of the first directory one by one, and the rest."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    tags = [data[at : at + 12] for at in range(start + 2, start + 2 + 12 * count, 12)]
    return [data[: start + 2], *tags, data[start + 2 + 12 * count :]]


def _bmps(data: bytes) -> list[bytes]:
    """Return the header, number by number, and the pixels."""
    fields = [data[at : at + 4] for at in range(14, 54, 4)]
    return [data[:14], *fields, data[54:]]


def _heifs(data: bytes) -> list[bytes]:
    """Return the boxes, those of `meta` and of its properties one by one; heads stand by themselves."""
    return list(_boxes(data, 0))


def _boxes(data: bytes, at: int) -> Iterator[bytes]:
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = _OPENED.get(kind, 0)
        if head:
            yield data[at : at + head]
            yield from _boxes(data[at + head : at + size], 0)
        else:
            yield data[at : at + size]
        at += size


_OPENED = {b"meta": 12, b"iprp": 8, b"ipco": 8, b"iref": 12}  # bytes of heads
_SPLITTERS: dict[str, Callable[[bytes], list[bytes]]] = {
    "png": _pngs, "webp": _webps, "jpeg": _jpegs, "gif": _gifs, "tiff": _tiffs, "bmp": _bmps,
    "heic": _heifs, "avif": _heifs,
}  # fmt: skip
