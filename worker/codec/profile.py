"""Convert pixels from the color space of an embedded ICC profile to sRGB."""

import logging
from collections.abc import Callable
from functools import partial
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

Convert = Callable[[Image.Image], Image.Image]

log = logging.getLogger(__name__)

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}  # ICC's name of the color space, by Pillow mode
_CUBE = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), axis=-1).astype(np.uint8).reshape(-1, 18, 3)


class _Misfit(ValueError):
    """Raised where a profile is for other pixels, such as ink on screen colors."""


def srgb_converter(profile: bytes | None, mode: str) -> Convert:
    """Return the function that converts pictures of mode L, RGB or CMYK to RGB.

    A profile that is broken or does not fit is logged and ignored.
    """
    if profile is None:
        return _to_rgb
    try:
        return _by_profile(ImageCms.ImageCmsProfile(BytesIO(profile)), mode)
    except _Misfit:
        log.warning("color profile ignored", extra={"reason": "it is for other pixels", "mode": mode})
    except (
        ImageCms.PyCMSError,
        OSError,
        ValueError,
        TypeError,
    ):  # their texts may quote the file
        log.warning("color profile ignored", extra={"reason": "it is damaged", "mode": mode})
    return _to_rgb


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
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    _apply(transform, Image.new(mode, (1, 1)))  # an error comes here, before the first pixel is converted
    if mode == "RGB" and _changes_nothing(transform):
        return _to_rgb
    return partial(_apply, transform)


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Recognize sRGB by what it does: most photos carry it, and converting takes longer than decoding."""
    moved = np.asarray(_apply(transform, Image.fromarray(_CUBE))).astype(int) - _CUBE
    return bool(np.abs(moved).max() <= 1)


def _apply(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    if converted is None:
        raise ValueError("the color engine returned nothing")
    return converted
