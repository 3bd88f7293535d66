"""Writes animated GIF files: one palette for all frames, exact where 256 colors are enough."""

import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

from worker.codec.palette import Mapping, map_colors

Pixels = NDArray[np.uint8]

_FOREVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_TABLE_OF_256 = 0xF7  # a global color table of 256 entries, 8 bits a primary
_KEEP, _CLEAR = 1, 2  # what happens to a frame before the next one is drawn
_LONGEST_DELAY = 65_535  # hundredths of a second


def write_gif(
    frames: Sequence[Pixels], alphas: Sequence[Pixels | None], milliseconds: Sequence[int], *, loop: bool
) -> bytes:
    """Return the file for frames (h, w, 3) of one size; alpha (h, w) from 128 up is opaque."""
    mapping = map_colors(frames, alphas)
    height, width = frames[0].shape[:2]
    header = b"GIF89a" + struct.pack("<HHBBB", width, height, _TABLE_OF_256, 0, 0)
    delays = _hundredths(milliseconds)
    body = b"".join(_opaque(mapping, delays) if mapping.clear is None else _clearing(mapping, delays))
    return header + mapping.palette + (_FOREVER if loop else b"") + body + b";"


def _hundredths(milliseconds: Sequence[int]) -> list[int]:
    """Round every frame's end, not its length, so that the whole lasts as long as it should."""
    ends = [(total + 5) // 10 for total in np.cumsum(milliseconds).tolist()]
    return [min(end - start, _LONGEST_DELAY) for start, end in zip([0, *ends], ends, strict=False)]


def _opaque(mapping: Mapping, delays: Sequence[int]) -> Iterator[bytes]:
    """Draw the first frame whole, and of the others what changes."""
    before: Pixels | None = None
    for indices, delay in zip(mapping.frames, delays, strict=True):
        top, left, bottom, right = _changed(before, indices)
        yield _frame(indices[top:bottom, left:right], (left, top), delay, _KEEP, None)
        before = indices


def _changed(before: Pixels | None, after: Pixels) -> tuple[int, int, int, int]:
    """Return the box that holds every pixel that differs; one pixel where none does."""
    if before is None:
        return 0, 0, *after.shape
    differs = before != after
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return 0, 0, 1, 1
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _clearing(mapping: Mapping, delays: Sequence[int]) -> Iterator[bytes]:
    """Draw every frame whole on an empty canvas: what was opaque may have become transparent."""
    for indices, delay in zip(mapping.frames, delays, strict=True):
        yield _frame(indices, (0, 0), delay, _CLEAR, mapping.clear)


def _frame(indices: Pixels, offset: tuple[int, int], delay: int, disposal: int, clear: int | None) -> bytes:
    options = {} if clear is None else {"transparency": clear}
    parts = GifImagePlugin.getdata(
        Image.fromarray(indices), offset, duration=delay * 10, disposal=disposal, **options
    )
    return b"".join(parts)
