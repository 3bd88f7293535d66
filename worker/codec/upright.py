"""Draw a decoded picture upright and in sRGB, in strips, so that no second large copy of it is ever made."""

import logging
import struct
from collections.abc import Callable
from functools import partial
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from shared.specs.working_size import Size
from worker.codec.fine_color import ConvertFine, fine_converter
from worker.codec.pixels import strips

Pixels = NDArray[np.uint8]
Planes = tuple[Image.Image, Image.Image | None]  # color and alpha
Split = Callable[[Image.Image], Planes]
Convert = Callable[[Image.Image], Image.Image]

log = logging.getLogger(__name__)

_INTENTS = (ImageCms.Intent.PERCEPTUAL, ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Intent.SATURATION)
_SPACES = {
    "L": "GRAY",
    "RGB": "RGB",
    "CMYK": "CMYK",
    "LAB": "Lab",
}  # ICC's name of the color space, by Pillow mode
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
_CUBE = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), axis=-1).astype(np.uint8).reshape(-1, 18, 3)


class _Misfit(ValueError):
    """Raised where a profile is for other pixels, such as ink on screen colors."""


def srgb_converter(profile: bytes | None, mode: str) -> Convert:
    """Return the function that converts pictures of mode L, RGB, CMYK or LAB to RGB.

    A profile that is broken or does not fit is logged and ignored. LAB needs none.
    """
    if mode == "LAB":
        return _by_profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), mode)
    if profile is None:
        return _to_rgb
    try:
        return _by_profile(ImageCms.ImageCmsProfile(BytesIO(profile)), mode)
    except _Misfit:
        log.warning("color profile ignored", extra={"reason": "it is for other pixels", "mode": mode})
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):  # whose texts may quote the file
        log.warning("color profile ignored", extra={"reason": "it is damaged", "mode": mode})
    return _to_rgb


def is_wide(profile: bytes | None) -> bool:
    """Whether a profile is for pixels on screens, can be read, and means other colors than sRGB."""
    return profile is not None and srgb_converter(profile, "RGB") is not _to_rgb


def fine_srgb(profile: bytes) -> ConvertFine | None:
    """Return what converts samples of 16 bits; None where those of 8 come out as well, or as nobody knows."""
    if not is_wide(profile):
        return None
    try:
        return fine_converter(profile)
    except (LookupError, ValueError, struct.error):
        return None


def _to_rgb(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")


def _by_profile(source: ImageCms.ImageCmsProfile, mode: str) -> Convert:
    space = source.profile.xcolor_space.strip()
    if mode == "L" and space == "RGB":
        # A grey picture often has the profile of the color picture that it was made from.
        colored = _by_profile(source, "RGB")
        return lambda image: colored(image.convert("RGB"))
    if _SPACES[mode] != space:
        raise _Misfit
    transform = ImageCms.buildTransform(
        source,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        mode,
        "RGB",
        renderingIntent=_intent(source),
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    _apply(transform, Image.new(mode, (1, 1)))  # an error comes here, before the first pixel is converted
    if mode == "RGB" and _changes_nothing(transform):
        return _to_rgb
    return partial(_apply, transform)


def _intent(source: ImageCms.ImageCmsProfile) -> ImageCms.Intent:
    """Return what the profile asks for; never the absolute one, by which paper is yellow."""
    asked = source.profile.rendering_intent
    return _INTENTS[asked] if asked in range(len(_INTENTS)) else ImageCms.Intent.RELATIVE_COLORIMETRIC


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Recognize sRGB by what it does: most photos carry it, and converting takes longer than decoding."""
    moved = np.asarray(_apply(transform, Image.fromarray(_CUBE))).astype(int) - _CUBE
    return bool(np.abs(moved).max() <= 1)


def _apply(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    if converted is None:
        raise ValueError("the color engine returned nothing")
    return converted


class UprightDrawing:
    """Draws a stored picture: reduced by whole factors, in sRGB, turned upright."""

    def __init__(self, size: Size, factors: tuple[int, int], orientation: int) -> None:
        """Take the stored size in pixels, the divisor of each side, and the EXIF orientation, 1 to 8."""
        self._factors = factors
        self._orientation = orientation
        width, height = (-(-side // factor) for side, factor in zip(size, factors, strict=True))
        self._shape = (width, height) if orientation >= 5 else (height, width)

    def draw(
        self, image: Image.Image, split: Split, profile: bytes | None, lower: Image.Image | None = None
    ) -> tuple[Pixels, Pixels | None]:
        """Return color (h, w, 3), black where alpha is 0, and alpha (h, w), None where every pixel is opaque.

        `split` gives a strip's color in mode L, RGB, CMYK or LAB, and its alpha in mode L. `lower` has the
        lower bytes of samples of 16 bits.
        """
        fine = None if lower is None or profile is None else fine_srgb(profile)
        rgb, upright_alpha, convert = np.empty((*self._shape, 3), np.uint8), None, None
        for rows in strips(image.height, self._rows_of_a_strip(image.width)):
            box = 0, rows.start, image.width, rows.stop
            color, alpha = split(image.crop(box))
            convert = convert or srgb_converter(profile, color.mode)
            if fine is not None and lower is not None:
                color = fine(color, lower.crop(box).convert("RGB"))
            else:
                color = convert(color)
            color, alpha = self._reduce(color, alpha)
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
