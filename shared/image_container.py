"""Walk the outer structure of an image file in bounded time, without decoding a pixel.

Pillow reads headers in Python loops that an attacker can stretch: 32 MiB of empty JPEG segments, GIF comments
joined block by block, tags that all claim the same megabytes. Every walk here spends from a budget and ends
at the first frame too many, so that what Pillow sees afterwards is cheap to open. Damage is left for Pillow
to find.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from shared.tiff_directory import follow_directories

_MAX_GIF_COMMENT = 256 * 1024  # bytes; Pillow joins comments in quadratic time
_MAX_JPEG_TABLES = 1024 * 1024  # bytes of the segments that Pillow parses entry by entry
_MAX_PNG_TEXTS = 32  # that may be compressed, each to a thousandth of what Pillow unpacks
_MAX_BMP_RUNS = 1024 * 1024  # bytes; Pillow unpacks run lengths in Python, a second for 2 MiB
_BMP_RUN_LENGTHS = (1, 2)
_MAX_EXIF = 1024 * 1024  # bytes; one segment carries at most 64 KiB
_JPEG_MARKER = re.compile(rb"[^\xff]*\xff+([^\xff])", re.DOTALL)
_JPEG_BARE = {0x00, 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)}  # markers without a length
_JPEG_TABLES = {0xDB, 0xDE, 0xED, *range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Container:
    """What the structure of an image file says before its header is parsed."""

    frames: int = 1  # counted no further than one more than allowed
    orientation: int = 1  # EXIF, 1 to 8
    size: tuple[int, int] | None = None  # the canvas, where Pillow would allocate it on opening


class _Budget:
    """Counts down what a walk may still visit."""

    __slots__ = ("left",)

    def __init__(self, parts: int) -> None:
        self.left = parts

    def spend(self, parts: int = 1) -> None:
        self.left -= parts
        if self.left < 0:
            raise ValueError("it is made of too many small parts")


def walk(image_format: str, data: bytes, max_frames: int) -> Container:
    """Return what the structure says; ValueError where an honest file would cost far less to read."""
    return _WALKERS[image_format](data, max_frames)


def _walk_png(data: bytes, max_frames: int) -> Container:
    budget, texts = _Budget(16_384 + len(data) // 1024), _Budget(_MAX_PNG_TEXTS)
    position, frames, exif, pixels = 8, 1, b"", False
    while position + 8 <= len(data):
        budget.spend()
        length, kind = struct.unpack_from(">I4s", data, position)
        body = position + 8
        if kind == b"acTL" and not pixels:
            frames = max(1, int.from_bytes(data[body : body + 4], "big"))
        elif kind == b"eXIf":
            exif = data[body : body + length]
        elif kind in (b"zTXt", b"iTXt"):
            texts.spend()
        pixels = pixels or kind == b"IDAT"
        position = body + length + 4
    return Container(frames=min(frames, max_frames + 1), orientation=_exif_orientation(exif))


def _walk_jpeg(data: bytes, max_frames: int) -> Container:
    """Visit the segments before the first scan; pictures behind it (MPO, gain maps) are not frames."""
    budget, tables, junk = _Budget(4096), _Budget(_MAX_JPEG_TABLES), _Budget(65_536)
    exif, exif_bytes, position = b"", _Budget(_MAX_EXIF), 2
    while found := _JPEG_MARKER.match(data, position):
        budget.spend()
        junk.spend(found.end() - position - 2)
        marker, body = found[1][0], found.end() + 2
        if marker == 0xDA or body > len(data):
            break
        position = found.end()
        if marker in _JPEG_BARE:
            continue
        position += max(2, int.from_bytes(data[position:body], "big"))
        if marker in _JPEG_TABLES:
            tables.spend(position - body)
        if marker == 0xE1 and data.startswith(b"Exif\0\0", body):
            exif += data[body + 6 : position]
            exif_bytes.spend(position - body)
    return Container(orientation=_exif_orientation(exif))


def _walk_gif(data: bytes, max_frames: int) -> Container:
    """Count the frames; the canvas grows to hold every one that is allowed, as Pillow's does."""
    budget, comments = _Budget(65_536 + len(data) // 64), _Budget(_MAX_GIF_COMMENT)
    frames, size = 0, struct.unpack_from("<HH", data, 6)
    position = 13 + _gif_palette(data[10])
    while position < len(data) and frames <= max_frames:
        budget.spend()
        kind = data[position]
        if kind == 0x3B or position + 12 > len(data):
            break
        if kind == 0x2C:
            left, top, width, height, flags = struct.unpack_from("<HHHHB", data, position + 1)
            if frames < max_frames:
                size = (max(size[0], left + width), max(size[1], top + height))
            frames += 1
            position = _skip_gif_blocks(data, position + 11 + _gif_palette(flags), budget)
        elif kind == 0x21:
            end = _skip_gif_blocks(data, position + 2, budget)
            comments.spend(end - position if data[position + 1] == 0xFE else 0)
            position = end
        else:
            position += 1
    return Container(frames=max(1, frames), size=(size[0], size[1]))


def _gif_palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 128 else 0


def _skip_gif_blocks(data: bytes, position: int, budget: _Budget) -> int:
    while position < len(data) and data[position]:
        budget.spend()
        position += 1 + data[position]
    return position + 1


def _walk_webp(data: bytes, max_frames: int) -> Container:
    budget = _Budget(16_384 + len(data) // 1024)
    position, frames, exif = 12, 0, b""
    while position + 8 <= len(data) and frames <= max_frames:
        budget.spend()
        kind, length = struct.unpack_from("<4sI", data, position)
        if kind == b"ANMF":
            frames += 1
        elif kind == b"EXIF":
            exif = data[position + 8 : position + 8 + length]
        position += 8 + length + (length & 1)
    return Container(frames=max(1, frames), orientation=_exif_orientation(exif), size=_webp_canvas(data))


def _webp_canvas(data: bytes) -> tuple[int, int] | None:
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


def _walk_bmp(data: bytes, max_frames: int) -> Container:
    if int.from_bytes(data[30:34], "little") in _BMP_RUN_LENGTHS and len(data) > _MAX_BMP_RUNS:
        raise ValueError(f"a BMP with run lengths may have at most {_MAX_BMP_RUNS} bytes")
    return Container()


def _exif_orientation(exif: bytes) -> int:
    while exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    return follow_directories(exif, 1)[1]


def _walk_tiff(data: bytes, max_frames: int) -> Container:
    frames, orientation = follow_directories(data, max_frames)
    return Container(frames=frames, orientation=orientation)


_WALKERS: dict[str, Callable[[bytes, int], Container]] = {
    "bmp": _walk_bmp,
    "png": _walk_png,
    "jpeg": _walk_jpeg,
    "gif": _walk_gif,
    "webp": _walk_webp,
    "tiff": _walk_tiff,
}
