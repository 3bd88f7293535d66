"""Draw a decoded picture upright, strip by strip, so that no second large copy of it is ever made."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.specs.working_size import Size
from worker.codec.pixels import strips
from worker.codec.profile import srgb_converter

Pixels = NDArray[np.uint8]
Planes = tuple[Image.Image, Image.Image | None]  # color and alpha
Split = Callable[[Image.Image], Planes]

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FROM_THE_END = {3, 4, 6, 7}  # orientations that bring the first stored rows to the end
_STRIP_PIXELS = 1 << 19


class UprightDrawing:
    """Draws a stored picture: reduced by whole factors, in sRGB, turned upright."""

    def __init__(self, size: Size, factors: tuple[int, int], orientation: int) -> None:
        """Take the stored size in pixels, the divisor of each side, and the EXIF orientation, 1 to 8."""
        self._factors = factors
        self._orientation = orientation
        width, height = (-(-side // factor) for side, factor in zip(size, factors, strict=True))
        self._shape = (width, height) if orientation >= 5 else (height, width)

    def draw(self, image: Image.Image, split: Split, profile: bytes | None) -> tuple[Pixels, Pixels | None]:
        """Return color (h, w, 3), black where alpha is 0, and alpha (h, w), None where every pixel is opaque.

        `split` gives a strip's color in mode L, RGB or CMYK, and its alpha in mode L.
        """
        rgb, upright_alpha, convert = np.empty((*self._shape, 3), np.uint8), None, None
        for rows in strips(image.height, self._rows_of_a_strip(image.width)):
            color, alpha = split(image.crop((0, rows.start, image.width, rows.stop)))
            convert = convert or srgb_converter(profile, color.mode)
            color, alpha = self._reduce(convert(color), alpha)
            at = slice(rows.start // self._factors[1], -(-rows.stop // self._factors[1]))
            if alpha is not None:
                if upright_alpha is None:
                    upright_alpha = np.empty(self._shape, np.uint8)
                self._put(alpha, upright_alpha, at)
                color = _without_hidden(color, alpha)
            self._put(color, rgb, at)
        return rgb, None if upright_alpha is None or upright_alpha.min() == 255 else upright_alpha

    def _rows_of_a_strip(self, width: int) -> int:
        factor = self._factors[1]
        return factor * max(1, _STRIP_PIXELS // (width * factor))

    def _reduce(
        self, color: Image.Image, alpha: Image.Image | None
    ) -> tuple[Image.Image, Image.Image | None]:
        if self._factors == (1, 1):
            return color, alpha
        if alpha is None:
            return color.reduce(self._factors), None
        weight = np.asarray(alpha, np.float32)
        total = self._mean(weight)
        divisor = np.where(total < 0.5, np.float32(np.inf), total)
        planes = [self._mean(plane * weight) / divisor for plane in np.moveaxis(np.asarray(color), 2, 0)]
        reduced = np.rint(np.dstack([*planes, total])).astype(np.uint8)
        return Image.fromarray(reduced[:, :, :3]), Image.fromarray(reduced[:, :, 3])

    def _mean(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(Image.fromarray(plane).reduce(self._factors))

    def _put(self, strip: Image.Image, upright: Pixels, rows: slice) -> None:
        """Turn a strip of the stored picture and copy it to its place."""
        if self._orientation in _FROM_THE_END:
            height = upright.shape[1 if self._orientation >= 5 else 0]
            rows = slice(height - rows.stop, height - rows.start)
        turn = _UPRIGHT.get(self._orientation)
        turned = np.asarray(strip if turn is None else strip.transpose(turn))
        upright[(slice(None), rows) if self._orientation >= 5 else rows] = turned


def _without_hidden(color: Image.Image, alpha: Image.Image) -> Image.Image:
    """Return the picture, black where it is transparent."""
    black = Image.new("RGB", color.size)
    return Image.composite(color, black, alpha.point(lambda value: 255 if value else 0))
