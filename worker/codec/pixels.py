"""Pixel arrays: resize, enlarge, lay out in a grid, change between 8-bit and float, and mix under alpha.

A color that nobody can see must not show in anything that is made of a picture. So colors are weighted by
their alpha before they are mixed, in floats: premultiplied in 8 bits, a color of alpha 2 would keep no more
than three levels.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

Pixels = NDArray[np.uint8]

WHITE, BLACK = 255, 0
_ROWS = 64  # that are worked on at once
_FLOAT_ROWS = 32  # of floats that become bytes: they stay in the processor's cache
_SOURCE_ROWS = 512  # of a picture with alpha that are floats at once
_REACH = 3  # pixels of the smaller picture, to either side: Lanczos' window


def strips(height: int, rows: int = _ROWS) -> Iterator[slice]:
    """Yield slices of rows that cover a picture: whole large ones as floats would take gigabytes."""
    for start in range(0, height, rows):
        yield slice(start, min(height, start + rows))


def resize(picture: Pixels, width: int, height: int) -> Pixels:
    """Scale (h, w, 3) or (h, w) by Lanczos, its window widened when shrinking so that nothing aliases."""
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, height), Resampling.LANCZOS))


def resize_rows(
    image: Image.Image, rows: slice, width: int, height: int, filter: Resampling = Resampling.LANCZOS
) -> Pixels:
    """Return some rows of the image scaled to width and height: what is large is made in strips."""
    scale = image.height / height
    box = (0.0, rows.start * scale, float(image.width), rows.stop * scale)
    return np.asarray(image.resize((width, rows.stop - rows.start), filter, box))


def source_rows(rows: slice, scale: float, height: int) -> slice:
    """Return which rows of a picture of a height Lanczos reads for some rows of its scaled form.

    `scale` is the picture's height divided by that of the form.
    """
    margin = _REACH * max(1.0, scale) + 1
    begin, end = int(rows.start * scale - margin), math.ceil(rows.stop * scale + margin)
    return slice(max(0, begin), min(height, end))


def enlarge(picture: Pixels, factor: int, filter: Literal["nearest", "lanczos"]) -> Pixels:
    """Scale (h, w, 1) or (h, w, 3) by a whole factor: every pixel a block, or smoothly."""
    if factor == 1:
        return picture
    if filter == "nearest":
        return picture.repeat(factor, axis=0).repeat(factor, axis=1)
    height, width, channels = picture.shape
    flat = picture[:, :, 0] if channels == 1 else picture
    return resize(flat, width * factor, height * factor).reshape(height * factor, width * factor, channels)


def luminance(picture: Pixels) -> Pixels:
    """Return (h, w), rounded: a quarter of a level is lost on average, for a third of the time of floats."""
    return np.asarray(Image.fromarray(picture).convert("L"))


def to_color(picture: Pixels) -> Pixels:
    """Return (h, w, 3) for (h, w, 1) grey or (h, w, 3) color."""
    return picture.repeat(3, axis=2) if picture.shape[2] == 1 else picture


def to_float(picture: Pixels) -> NDArray[np.float32]:
    """Map 0..255 to 0..1."""
    return np.divide(picture, 255, dtype=np.float32)


def to_uint8(picture: NDArray[np.float32]) -> Pixels:
    """Map 0..1 to 0..255, rounded half to even and clipped; ValueError for values that are no numbers."""
    result = np.empty(picture.shape, np.uint8)
    for rows in strips(len(picture), _FLOAT_ROWS):
        part = np.clip(picture[rows], 0.0, 1.0)
        if np.isnan(part.min(initial=0.0)):
            raise ValueError("the picture holds values that are not numbers")
        part *= np.float32(255)
        result[rows] = np.rint(part, out=part)
    return result


def contact_sheet(pictures: Sequence[Pixels], columns: int, *, gap: int = 2, background: int = 255) -> Pixels:
    """Lay out pictures of one shape in rows, with `gap` pixels between them and none around.

    Fewer pictures than columns make a narrower sheet; unused cells show the background, 0 to 255.
    """
    shapes = {picture.shape for picture in pictures}
    if len(shapes) != 1 or columns < 1:
        raise ValueError(f"a sheet needs pictures of one shape and a column, not {sorted(shapes)}, {columns}")
    height, width, *channels = shapes.pop()
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    size = (rows * (height + gap) - gap, columns * (width + gap) - gap)
    sheet = np.full((*size, *channels), background, dtype=np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def compose(rgb: Pixels, alpha: Pixels | None, ground: int) -> Pixels:
    """Return the picture (h, w, 3) as it looks on a plain grey ground, 0 to 255."""
    if alpha is None:
        return rgb
    result = np.empty_like(rgb)
    for rows in strips(len(rgb)):
        share = alpha[rows, :, None].astype(np.uint16)
        result[rows] = (rgb[rows] * share + ground * (255 - share) + 127) // 255
    return result


def resize_with_alpha(
    rgb: Pixels, alpha: Pixels | None, width: int, height: int
) -> tuple[Pixels, Pixels | None]:
    """Scale color (h, w, 3) and alpha (h, w) by Lanczos; a color counts as much as it is visible.

    Where the result is wholly transparent its color is black.
    """
    if alpha is None or alpha.shape == (height, width):
        return resize(rgb, width, height), alpha
    color, seen = np.empty((height, width, 3), np.uint8), np.empty((height, width), np.uint8)
    scale = len(rgb) / height
    for rows in strips(height, max(1, round(_SOURCE_ROWS / max(1.0, scale)))):
        source = source_rows(rows, scale, len(rgb))
        top, bottom = rows.start * scale - source.start, rows.stop * scale - source.start
        box = (0.0, top, float(rgb.shape[1]), bottom)
        _resize_rows(rgb[source], alpha[source], box, color[rows], seen[rows])
    return color, seen


def _resize_rows(
    rgb: Pixels, alpha: Pixels, box: tuple[float, float, float, float], color: Pixels, seen: Pixels
) -> None:
    """Scale the box within some rows into rows of the result."""
    size = (seen.shape[1], seen.shape[0])

    def scaled(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(Image.fromarray(plane).resize(size, Resampling.LANCZOS, box))

    weight = alpha.astype(np.float32)
    total = scaled(weight)
    seen[:] = np.clip(np.rint(total), 0, 255)
    divisor = np.where(seen > 0, total, np.float32(np.inf))
    for channel in range(3):
        mixed = scaled(rgb[:, :, channel] * weight) / divisor
        color[:, :, channel] = np.clip(np.rint(mixed), 0, 255)


def fill_hidden(rgb: Pixels, alpha: Pixels | None) -> Pixels:
    """Return the picture (h, w, 3) with its wholly transparent pixels in the colors of visible ones near by.

    A network mixes neighboring pixels: any other color there would show in the edges that it paints.
    """
    if alpha is None or alpha.all():
        return rgb
    if alpha.size == 1:
        return np.zeros_like(rgb)
    height, width = alpha.shape
    size = (width + 1) // 2, (height + 1) // 2
    small = Image.fromarray(fill_hidden(*resize_with_alpha(rgb, alpha, *size)))
    result = np.empty_like(rgb)
    for rows in strips(height):
        ground = resize_rows(small, rows, width, height, Resampling.BILINEAR)
        result[rows] = np.where(alpha[rows, :, None] == 0, ground, rgb[rows])
    return result
