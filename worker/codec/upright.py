"""Draw a decoded picture upright, strip by strip, so that no second large copy of it is ever made."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.working_size import Size
from worker.codec.pixels import strips
from worker.codec.profile import srgb_converter

Pixels = NDArray[np.uint8]
Split = Callable[[Image.Image], tuple[Image.Image, Image.Image | None]]

_STRIP_PIXELS = 1 << 19


class UprightDrawing:
    """What becomes of a stored picture: reduced by whole factors, in sRGB, turned upright."""

    def __init__(self, size: Size, factors: tuple[int, int], orientation: int) -> None:
        """Take the stored size in pixels, by what each side is divided, and the EXIF orientation, 1 to 8."""
        self._factors = factors
        self._orientation = orientation
        width, height = (-(-side // factor) for side, factor in zip(size, factors, strict=True))
        self._shape = (width, height) if orientation >= 5 else (height, width)

    def draw(self, image: Image.Image, split: Split, profile: bytes | None) -> tuple[Pixels, Pixels | None]:
        """Return color (h, w, 3), black where alpha is 0, and alpha (h, w), None where every pixel is opaque.

        `split` gives a strip's color in mode L, RGB or CMYK, and its alpha in mode L.
        """
        rgb, alpha, convert = np.empty((*self._shape, 3), np.uint8), None, None
        for rows in strips(image.height, self._rows_of_a_strip(image.width)):
            color, veil = split(image.crop((0, rows.start, image.width, rows.stop)))
            convert = convert or srgb_converter(profile, color.mode)
            color, veil = self._reduce(convert(color), veil)
            at = slice(rows.start // self._factors[1], -(-rows.stop // self._factors[1]))
            self._as_stored(rgb)[at] = np.asarray(color)
            if veil is not None:
                alpha = np.empty(self._shape, np.uint8) if alpha is None else alpha
                self._hide(rgb, alpha, at, np.asarray(veil))
        return rgb, None if alpha is None or alpha.min() == 255 else alpha

    def _rows_of_a_strip(self, width: int) -> int:
        factor = self._factors[1]
        return factor * max(1, _STRIP_PIXELS // (width * factor))

    def _reduce(self, color: Image.Image, veil: Image.Image | None) -> tuple[Image.Image, Image.Image | None]:
        if self._factors == (1, 1):
            return color, veil
        if veil is None:
            return color.reduce(self._factors), None
        weight = np.asarray(veil, np.float32)
        total = self._mean(weight)
        divisor = np.where(total < 0.5, np.float32(np.inf), total)
        planes = [self._mean(plane * weight) / divisor for plane in np.moveaxis(np.asarray(color), 2, 0)]
        reduced = np.rint(np.dstack([*planes, total])).astype(np.uint8)
        return Image.fromarray(reduced[:, :, :3]), Image.fromarray(reduced[:, :, 3])

    def _mean(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(Image.fromarray(plane).reduce(self._factors))

    def _hide(self, rgb: Pixels, alpha: Pixels, at: slice, veil: Pixels) -> None:
        self._as_stored(alpha)[at] = veil
        self._as_stored(rgb)[at][veil == 0] = 0  # what nobody can see is gone

    def _as_stored(self, upright: Pixels) -> Pixels:
        """Return a view of upright pixels in which they lie as in the file."""
        match self._orientation:
            case 2:
                return upright[:, ::-1]
            case 3:
                return upright[::-1, ::-1]
            case 4:
                return upright[::-1]
            case 5:
                return upright.swapaxes(0, 1)
            case 6:
                return np.rot90(upright)
            case 7:
                return upright[::-1, ::-1].swapaxes(0, 1)
            case 8:
                return np.rot90(upright, -1)
        return upright
