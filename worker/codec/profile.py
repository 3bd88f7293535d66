"""Convert pixels from the color space of an embedded ICC profile to sRGB."""

import logging
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

log = logging.getLogger(__name__)

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}  # ICC's name of the color space, by Pillow mode
_CUBE = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), axis=-1).astype(np.uint8).reshape(-1, 18, 3)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the image in mode RGB; a profile that is broken or does not fit is logged and ignored."""
    if profile is None:
        return image.convert("RGB")
    try:
        return _convert(image, ImageCms.ImageCmsProfile(BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        log.warning("color profile ignored", extra={"reason": str(error), "mode": image.mode})
        return image.convert("RGB")


def _convert(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    space = source.profile.xcolor_space.strip()
    if image.mode == "L" and space == "RGB":
        image = image.convert("RGB")  # grey pictures often carry the profile of the color picture they were
    if _SPACES[image.mode] != space:
        raise ValueError(f"a profile for {space} on pixels in {image.mode}")
    transform = ImageCms.buildTransform(
        source,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        image.mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if image.mode == "RGB" and _changes_nothing(transform):
        return image
    return _apply(transform, image)


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Recognize sRGB by what it does: most photos carry it, and converting takes longer than decoding."""
    moved = np.asarray(_apply(transform, Image.fromarray(_CUBE))).astype(int) - _CUBE
    return bool(np.abs(moved).max() <= 1)


def _apply(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    if converted is None:
        raise ValueError("the color engine returned nothing")
    return converted
