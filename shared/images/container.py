"""Walk the outer structure of an image file in bounded time, without decoding a pixel.

Pillow reads headers in Python loops that an attacker can stretch, and refuses pictures for metadata that
nobody looks at. So a walk copies what the pixels need into another file, and Pillow sees only that one.
It spends from a budget and ends at the first frame too many. Damage of the pixels is left for Pillow to find.
"""

import struct
from collections.abc import Callable

from shared.images.heif.still import walk_avif, walk_heic
from shared.images.jpeg import walk_jpeg
from shared.images.png import walk_png
from shared.images.structure import Budget, Container, Unreadable
from shared.images.tiff import walk_tiff
from shared.images.webp import walk_webp

_MAX_BMP_RUNS = 1024 * 1024  # bytes; Pillow unpacks run lengths in Python, a second for 2 MiB
_BMP_RUN_LENGTHS = (1, 2)
_BMP_CORE_HEADER = 12  # bytes of the oldest one
_GIF_CONTROL = 0xF9  # the one extension that pixels need


def walk(image_format: str, data: bytes, max_frames: int) -> Container:
    """Return what the structure says; Unreadable where an honest file would cost far less to read."""
    return _WALKERS[image_format](data, max_frames)


def _walk_gif(data: bytes, max_frames: int) -> Container:
    """Count the frames; the canvas grows to hold every one that is allowed, as Pillow's does."""
    budget, frames, size = Budget(65_536 + len(data) // 64), 0, struct.unpack_from("<HH", data, 6)
    kept, start = [], 0
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
            if data[position + 1] != _GIF_CONTROL:
                kept.append(data[start:position])
                start = end
            position = end
        else:
            position += 1
    picture = b"".join([*kept, data[start:]]) if kept else data
    return Container(picture, max(1, frames), size=(size[0], size[1]), is_truncated=position == len(data))


def _gif_palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 128 else 0


def _skip_gif_blocks(data: bytes, position: int, budget: Budget) -> int:
    while position < len(data) and data[position]:
        budget.spend()
        position += 1 + data[position]
    return position + 1


def _walk_bmp(data: bytes, max_frames: int) -> Container:
    runs = int.from_bytes(data[30:34], "little") in _BMP_RUN_LENGTHS and data[14] != _BMP_CORE_HEADER
    if runs and len(data) > _MAX_BMP_RUNS:
        raise Unreadable(f"a BMP with run lengths may have at most {_MAX_BMP_RUNS} bytes")
    share = 0.0 if runs else _missing_rows(data)
    return Container(data, is_truncated=share > 0, missing=lambda _: share)


def _missing_rows(data: bytes) -> float:
    """Return the share of the bytes of a BMP's rows, 0 to 1, that the file does not hold."""
    if data[14] == _BMP_CORE_HEADER:
        width, height, _, depth = struct.unpack_from("<4H", data, 18)
    else:
        width, height, _, depth = struct.unpack_from("<iiHH", data, 18)
    rows = (abs(width) * depth + 31) // 32 * 4 * abs(height)
    there = len(data) - int.from_bytes(data[10:14], "little")
    return 1 - max(0, there) / rows if there < rows else 0.0


_WALKERS: dict[str, Callable[[bytes, int], Container]] = {
    "bmp": _walk_bmp,
    "png": walk_png,
    "jpeg": walk_jpeg,
    "gif": _walk_gif,
    "webp": walk_webp,
    "tiff": walk_tiff,
    "heic": walk_heic,
    "avif": walk_avif,
}
