"""Colors under an alpha channel: what nobody can see must not show in anything that is made of a picture.

Colors are weighted by their alpha before they are mixed, in floats: premultiplied in 8 bits, a color of alpha
2 would keep no more than three levels.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

from worker.codec.pixels import resize, resize_rows, strips

Pixels = NDArray[np.uint8]

WHITE, BLACK = 255, 0
_SOURCE_ROWS = 512  # of a picture that are floats at once
_REACH = 3  # pixels of the smaller picture, to either side: Lanczos' window


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
    """Scale color (h, w, 3) and alpha (h, w) by Lanczos; a color counts as much as can be seen of it.

    Where the result is transparent altogether its color is black.
    """
    if alpha is None or alpha.shape == (height, width):
        return resize(rgb, width, height), alpha
    color, seen = np.empty((height, width, 3), np.uint8), np.empty((height, width), np.uint8)
    scale = len(rgb) / height
    for rows in strips(height, max(1, round(_SOURCE_ROWS / max(1.0, scale)))):
        top, bottom = rows.start * scale, rows.stop * scale
        margin = _REACH * max(1.0, scale) + 1
        source = slice(max(0, int(top - margin)), int(np.ceil(bottom + margin)))
        box = (0.0, top - source.start, float(rgb.shape[1]), bottom - source.start)
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
    """Return the picture (h, w, 3) with its wholly transparent places in the colors of what is visible near.

    A network mixes what lies side by side: any other color there would shine into the edges that it paints.
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
