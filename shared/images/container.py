"""Walk the outer structure of an image file in bounded time, without decoding a pixel.

Pillow reads headers in Python loops that an attacker can stretch, and refuses pictures for metadata that
nobody looks at. So a walk copies what the pixels need into another file, and Pillow sees only that one.
It spends from a budget and ends at the first frame too many. Damage of the pixels is left for Pillow to find.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from shared.images.jpeg import walk_jpeg
from shared.images.png import walk_png
from shared.images.tiff import walk_tiff
from shared.images.webp import walk_webp

MAX_SKIPPED = 1_000_000  # segments or chunks of no use to the pixels; to skip them takes about half a second
MAX_PROFILE = 16 * 1024 * 1024  # bytes of a color profile; a JPEG can hold no larger one
_MAX_BMP_RUNS = 1024 * 1024  # bytes; Pillow unpacks run lengths in Python, a second for 2 MiB
_BMP_RUN_LENGTHS = (1, 2)
_BMP_CORE_HEADER = 12  # bytes of the oldest one
_GIF_CONTROL = 0xF9  # the one extension that pixels need


def _nothing(thorough: bool) -> float:
    return 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """What the structure of an image file says before its header is parsed."""

    data: bytes  # the file without what its pixels do not need
    frames: int = 1  # counted no further than one more than allowed
    orientation: int = 1  # EXIF, 1 to 8
    size: tuple[int, int] | None = None  # the canvas, where Pillow would allocate it on opening
    profile: bytes | None = None  # the color profile, where it is not in `data`
    is_truncated: bool = False  # whether the file ends before its end marker
    # Returns the share of the pixels, 0 to 1, that a truncated file lacks; call it once the size is known to
    # be allowed. Only where it may be thorough does it take as much memory as the whole picture.
    missing: Callable[[bool], float] = _nothing


class Unreadable(ValueError):
    """Raised where a file is damaged or built to waste time; the text is written for the client."""


class Unsupported(Unreadable):
    """Raised where a file is good, and of a kind that the service does not read."""


def parts_of(data: bytes) -> "Budget":
    """Return how many segments or chunks of a file may be looked at; honest ones are far larger."""
    return Budget(65_536 + len(data) // 256)


class Budget:
    """Counts down what a walk may still visit."""

    __slots__ = ("left",)

    def __init__(self, parts: int) -> None:
        self.left = parts

    def spend(self, parts: int = 1) -> None:
        """Take parts; raise Unreadable where none are left."""
        self.left -= parts
        if self.left < 0:
            raise Unreadable("it is made of too many parts: no program writes so many")


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
}
