"""Reshape pixels: resize, enlarge, lay out in a grid, and change between 8-bit and float."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

_ROWS = 64  # worked on at once


def strips(height: int, rows: int = _ROWS) -> Iterator[slice]:
    """Yield slices of rows that cover a picture: whole large ones as floats would take gigabytes."""
    for start in range(0, height, rows):
        yield slice(start, min(height, start + rows))


def resize(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Scale (h, w, 3) or (h, w) by Lanczos, its window widened when shrinking so that nothing aliases."""
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, height), Resampling.LANCZOS))


def resize_rows(
    image: Image.Image, rows: slice, width: int, height: int, filter: Resampling = Resampling.LANCZOS
) -> NDArray[np.uint8]:
    """Return some rows of the image scaled to width and height: what is large is made in strips."""
    scale = image.height / height
    box = (0.0, rows.start * scale, float(image.width), rows.stop * scale)
    return np.asarray(image.resize((width, rows.stop - rows.start), filter, box))


def enlarge(
    picture: NDArray[np.uint8], factor: int, filter: Literal["nearest", "lanczos"]
) -> NDArray[np.uint8]:
    """Scale (h, w, 1) or (h, w, 3) by a whole factor: every pixel a block, or smoothly."""
    if factor == 1:
        return picture
    if filter == "nearest":
        return picture.repeat(factor, axis=0).repeat(factor, axis=1)
    height, width, channels = picture.shape
    flat = picture[:, :, 0] if channels == 1 else picture
    return resize(flat, width * factor, height * factor).reshape(height * factor, width * factor, channels)


def luminance(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (h, w), rounded: a quarter of a level is lost on average, for a third of the time of floats."""
    return np.asarray(Image.fromarray(picture).convert("L"))


def to_color(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (h, w, 3) for (h, w, 1) grey or (h, w, 3) color."""
    return picture.repeat(3, axis=2) if picture.shape[2] == 1 else picture


def to_float(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Map 0..255 to 0..1."""
    return np.divide(picture, 255, dtype=np.float32)


def to_uint8(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Map 0..1 to 0..255, rounded half to even and clipped; ValueError for values that are no numbers."""
    if np.isnan(picture.min()):
        raise ValueError("the picture holds values that are not numbers")
    scaled: NDArray[np.float32] = np.rint(np.clip(picture, 0.0, 1.0) * np.float32(255))
    return scaled.astype(np.uint8)


def contact_sheet(
    pictures: Sequence[NDArray[np.uint8]], columns: int, *, gap: int = 2, background: int = 255
) -> NDArray[np.uint8]:
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
