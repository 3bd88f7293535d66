"""Brings the frames of an animation down to 256 colors, the same for all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

_ENTRIES = 256
_SAMPLE = 1 << 16  # pixels, of all frames together, from which the palette is chosen
_OPAQUE_FROM = 128
_MOST_SPREAD = 32  # levels


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """Frames as indices into one palette."""

    palette: bytes  # 256 times red, green, blue
    clear: int | None  # the index of transparent pixels, if there are any
    frames: Iterator[Pixels]  # (h, w) each, made one at a time


def map_colors(frames: Sequence[Pixels], alphas: Sequence[Pixels | None]) -> Mapping:
    """Choose the colors of all frames and map every frame to them.

    Up to 256 colors, 255 beside transparency, are kept exactly. More are reduced by median cut and k-means,
    with ordered dithering: its pattern stands still, where diffused errors would crawl from frame to frame.
    """
    clear = _ENTRIES - 1 if any(alpha is not None for alpha in alphas) else None
    room = _ENTRIES if clear is None else _ENTRIES - 1
    exact = _few_colors(frames, room)
    colors = _choose(frames, room) if exact is None else exact
    indices = _nearest(frames, colors) if exact is None else _looked_up(frames, colors)
    table = np.zeros((_ENTRIES, 3), np.uint8)
    table[: len(colors)] = colors
    return Mapping(table.tobytes(), clear, _cut_out(indices, alphas, clear))


def _few_colors(frames: Sequence[Pixels], room: int) -> Pixels | None:
    """Return all colors, (n, 3) in ascending order, or None where there is no room for them."""
    found: set[tuple[int, ...]] = set()
    for frame in frames:
        counted = Image.fromarray(frame).getcolors(room)
        found.update(color for _, color in counted or ())  # type: ignore[misc]
        if counted is None or len(found) > room:
            return None
    return np.array(sorted(found), np.uint8)


def _looked_up(frames: Sequence[Pixels], colors: Pixels) -> Iterator[Pixels]:
    """Find every pixel among colors that are sorted and complete."""
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


def _nearest(frames: Sequence[Pixels], colors: Pixels) -> Iterator[Pixels]:
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


def _cut_out(
    indices: Iterator[Pixels], alphas: Sequence[Pixels | None], clear: int | None
) -> Iterator[Pixels]:
    for frame, alpha in zip(indices, alphas, strict=True):
        yield frame if alpha is None else np.where(alpha < _OPAQUE_FROM, np.uint8(clear or 0), frame)
