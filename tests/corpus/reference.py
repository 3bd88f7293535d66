"""What Pillow shows: the first frame, upright by `exif_transpose`, in sRGB by the intent of its profile."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms, ImageOps

from tests.corpus.case import Case, Pixels

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_ABSOLUTE = ImageCms.Intent.ABSOLUTE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


def expected(case: Case, data: bytes) -> Pixels:
    """Return the pixels (h, w, 4) that a picture should have."""
    if case.truth is not None:
        return case.truth()
    with Image.open(BytesIO(data)) as opened:
        profile = opened.info.get("icc_profile")
        image = ImageOps.exif_transpose(opened)
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    if image.mode in ("1", "LA"):
        image = image.convert("L")
    elif profile and b"GRAY" in profile[16:20]:
        image = image.convert("L")  # Pillow makes color of grey and alpha of 16 bits
    elif image.mode not in ("L", "CMYK"):
        image = image.convert("RGB")
    if profile:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        asked = ImageCms.Intent(source.profile.rendering_intent)
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC if asked is _ABSOLUTE else asked
        image = ImageCms.profileToProfile(
            image, source, _SRGB, renderingIntent=intent, outputMode="RGB", flags=_FLAGS
        )
    image = image.convert("RGB")
    image.putalpha(Image.new("L", image.size, 255) if alpha is None else alpha)
    return np.asarray(image)


def difference(one: Pixels, other: Pixels) -> float:
    """Return the mean difference in levels as both look on black and on white, whichever is larger."""
    return max(float(np.abs(_laid(one, ground) - _laid(other, ground)).mean()) for ground in (0, 255))


def _laid(pixels: Pixels, ground: int) -> Pixels:
    share = pixels[:, :, 3:] / 255.0
    return pixels[:, :, :3] * share + ground * (1 - share)
