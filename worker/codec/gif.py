"""Writes animated GIF files: one palette for all frames, exact where 256 colors are enough."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

Pixels = NDArray[np.uint8]

_FOREVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_TABLE_OF_256 = 0xF7  # a global color table of 256 entries, 8 bits a primary
_KEEP, _CLEAR = 1, 2  # what happens to a frame before the next one is drawn
_LONGEST_DELAY = 65_535  # hundredths of a second
_ENTRIES = 256
_SAMPLE = 1 << 16  # pixels, of all frames together, from which the palette is chosen
_OPAQUE_FROM = 128
_MOST_SPREAD = 32  # levels


def write_gif(
    frames: Sequence[Pixels],
    alphas: Sequence[Pixels | None],
    milliseconds: Sequence[int],
    *,
    loop: bool,
    extra: bytes = b"",
) -> bytes:
    """Return the file for frames (h, w, 3) of one size; alpha (h, w) from 128 up is opaque.

    `extra` is a block that stands before the first frame.
    """
    mapping = map_colors(frames, alphas)
    height, width = frames[0].shape[:2]
    header = b"GIF89a" + struct.pack("<HHBBB", width, height, _TABLE_OF_256, 0, 0)
    delays = _hundredths(milliseconds)
    body = b"".join(_opaque(mapping, delays) if mapping.clear is None else _clearing(mapping, delays))
    return header + mapping.palette + (_FOREVER if loop else b"") + extra + body + b";"


def _hundredths(milliseconds: Sequence[int]) -> list[int]:
    """Round every frame's end, not its length, so that the whole animation keeps its length."""
    ends = [(total + 5) // 10 for total in np.cumsum(milliseconds).tolist()]
    return [min(end - start, _LONGEST_DELAY) for start, end in zip([0, *ends], ends, strict=False)]


def _opaque(mapping: ColorMapping, delays: Sequence[int]) -> Iterator[bytes]:
    """Draw the first frame whole, and of each later frame the part that changes."""
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


def _clearing(mapping: ColorMapping, delays: Sequence[int]) -> Iterator[bytes]:
    """Draw every frame whole on an empty canvas: what was opaque may have become transparent."""
    for indices, delay in zip(mapping.frames, delays, strict=True):
        yield _frame(indices, (0, 0), delay, _CLEAR, mapping.clear)


def _frame(indices: Pixels, offset: tuple[int, int], delay: int, disposal: int, clear: int | None) -> bytes:
    options = {} if clear is None else {"transparency": clear}
    parts = GifImagePlugin.getdata(
        Image.fromarray(indices), offset, duration=delay * 10, disposal=disposal, **options
    )
    return b"".join(parts)


@dataclass(frozen=True, slots=True, eq=False)
class ColorMapping:
    """Frames as indices into one palette."""

    palette: bytes  # 256 times red, green, blue
    clear: int | None  # the index of transparent pixels, if there are any
    frames: Iterator[Pixels]  # (h, w) each, made one at a time


def map_colors(frames: Sequence[Pixels], alphas: Sequence[Pixels | None]) -> ColorMapping:
    """Choose the colors of all frames and map every frame to them.

    Up to 256 colors, 255 beside transparency, are kept exactly. More are reduced by median cut and k-means,
    with ordered dithering: its pattern does not move, where diffused errors would change in each frame.
    """
    clear = _ENTRIES - 1 if any(alpha is not None for alpha in alphas) else None
    room = _ENTRIES if clear is None else _ENTRIES - 1
    exact = _few_colors(frames, room)
    colors = _choose(frames, room) if exact is None else exact
    indices = _nearest_indices(frames, colors) if exact is None else _exact_indices(frames, colors)
    table = np.zeros((_ENTRIES, 3), np.uint8)
    table[: len(colors)] = colors
    return ColorMapping(table.tobytes(), clear, _with_transparency(indices, alphas, clear))


def _few_colors(frames: Sequence[Pixels], room: int) -> Pixels | None:
    """Return all colors, (n, 3) in ascending order; None where they are more than `room`."""
    found: set[tuple[int, ...]] = set()
    for frame in frames:
        counted = Image.fromarray(frame).getcolors(room)
        found.update(color for _, color in counted or ())  # type: ignore[misc]
        if counted is None or len(found) > room:
            return None
    return np.array(sorted(found), np.uint8)


def _exact_indices(frames: Sequence[Pixels], colors: Pixels) -> Iterator[Pixels]:
    """Return the index of every pixel's color; the colors are sorted and complete."""
    known = _packed(colors)
    for frame in frames:
        yield np.searchsorted(known, _packed(frame)).astype(np.uint8)


def _packed(pixels: Pixels) -> NDArray[np.uint32]:
    wide = pixels.astype(np.uint32)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2], np.uint32)


def _choose(frames: Sequence[Pixels], room: int) -> Pixels:
    sample = Image.fromarray(_sample(frames)[None])
    reduced = sample.quantize(room, Image.Quantize.MEDIANCUT, kmeans=1)
    chosen = np.array(reduced.getpalette(), np.uint8).reshape(-1, 3)[:room]
    return np.unique(chosen, axis=0)


def _sample(frames: Sequence[Pixels]) -> Pixels:
    """Return pixels (n, 3) spread evenly over all frames."""
    total = sum(frame.shape[0] * frame.shape[1] for frame in frames)
    step = max(1, -(-total // _SAMPLE))
    return np.concatenate([frame.reshape(-1, 3)[index % step :: step] for index, frame in enumerate(frames)])


def _nearest_indices(frames: Sequence[Pixels], colors: Pixels) -> Iterator[Pixels]:
    palette = _palette_image(colors)
    spread = _spread(_sample(frames), palette, colors)
    for frame in frames:
        yield _indices(_dithered(frame, spread), palette)


def _palette_image(colors: Pixels) -> Image.Image:
    image = Image.new("P", (1, 1))
    # Entries that are not used repeat the first color: black ones would attract dark pixels.
    image.putpalette(colors.tobytes() + colors[:1].tobytes() * (_ENTRIES - len(colors)))
    return image


def _spread(sample: Pixels, palette: Image.Image, colors: Pixels) -> int:
    """Return how far dithering must reach, in levels: about the distance between neighboring colors."""
    nearest = colors[np.minimum(_indices(sample[None], palette)[0], len(colors) - 1)]
    error = int(np.abs(nearest.astype(np.int64) - sample).sum())  # in integers, so alike on every machine
    return min(_MOST_SPREAD, 4 * error // sample.size)


def _indices(pixels: Pixels, palette: Image.Image) -> Pixels:
    return np.asarray(Image.fromarray(pixels).quantize(palette=palette, dither=Image.Dither.NONE))


def _dithered(frame: Pixels, spread: int) -> Pixels:
    height, width = frame.shape[:2]
    repeats = (-(-height // len(_BAYER)), -(-width // len(_BAYER)))
    pattern = np.tile(_BAYER * spread // _BAYER.size, repeats)[:height, :width, None]
    moved: NDArray[np.int16] = np.clip(frame.astype(np.int16) + pattern, 0, 255)
    return moved.astype(np.uint8)


def _bayer(doublings: int) -> NDArray[np.int16]:
    """Return Bayer's threshold matrix of side 2^doublings, its values spread evenly around 0."""
    matrix = np.zeros((1, 1), np.int16)
    for _ in range(doublings):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    centered: NDArray[np.int16] = matrix - matrix.size // 2
    return centered


_BAYER = _bayer(3)


def _with_transparency(
    indices: Iterator[Pixels], alphas: Sequence[Pixels | None], clear: int | None
) -> Iterator[Pixels]:
    for frame, alpha in zip(indices, alphas, strict=True):
        yield frame if alpha is None else np.where(alpha < _OPAQUE_FROM, np.uint8(clear or 0), frame)
