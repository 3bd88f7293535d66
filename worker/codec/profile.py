"""Convert pixels from the color space of an embedded ICC profile to sRGB."""

import logging
from io import BytesIO

from PIL import Image, ImageCms

log = logging.getLogger(__name__)

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}  # ICC's name of the color space, by Pillow mode


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the image in mode RGB; a profile that is broken or does not fit is logged and ignored."""
    if profile is None:
        return image.convert("RGB")
    try:
        return _transform(image, ImageCms.ImageCmsProfile(BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        log.warning("color profile ignored", extra={"reason": str(error), "mode": image.mode})
        return image.convert("RGB")


def _transform(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    space = source.profile.xcolor_space.strip()
    if image.mode == "L" and space == "RGB":
        image = image.convert("RGB")  # grey pictures often carry the profile of the color picture they were
    if _SPACES[image.mode] != space:
        raise ValueError(f"a profile for {space} on pixels in {image.mode}")
    converted = ImageCms.profileToProfile(
        image,
        source,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if converted is None:
        raise ValueError("the color engine returned nothing")
    return converted
