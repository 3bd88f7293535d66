"""Turn the bytes of an image into upright 8-bit sRGB pixels, or refuse them with the reason."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.image_probe import ImageInfo, ImageLimits, open_image, refusing
from worker.codec.profile import to_srgb

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BITS_PER_SAMPLE = 258  # TIFF tags
_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """Pixels as a viewer would show them. The arrays may be read-only."""

    rgb: NDArray[np.uint8]  # (height, width, 3)
    alpha: NDArray[np.uint8] | None  # (height, width); None where every pixel is opaque


def decode(data: bytes, limits: ImageLimits, *, field: str = "") -> DecodedImage:
    """Decode the first frame, turned by its EXIF orientation and converted to sRGB by its color profile.

    Raises what `probe` raises, CorruptImage for damage behind the header, OutOfMemory. Pixels of 16 bits keep
    their upper 8; the bits lost are far below what the networks see.
    """
    image, info = open_image(data, limits, field=field)
    with refusing(info.format, field):
        return current_frame(image, data, info)


def current_frame(image: Image.Image, data: bytes, info: ImageInfo) -> DecodedImage:
    """Decode the frame at which an opened file stands. Call it under `refusing`."""
    profile, key = _metadata(image)
    image.load()
    color, alpha = _split(image, key, _bits(data, info))
    color = to_srgb(color, profile)
    return DecodedImage(_upright(color, info), _visible(alpha, info))


def _metadata(image: Image.Image) -> tuple[bytes | None, Any]:
    """Return the color profile and the transparent color; both are gone once the pixels are converted."""
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) else None, image.info.get("transparency")


def _bits(data: bytes, info: ImageInfo) -> int:
    """Return the bits of one sample, in which a PNG states its transparent color."""
    return data[24] if info.format == "png" else 8


def _split(image: Image.Image, key: Any, bits: int) -> tuple[Image.Image, Image.Image | None]:
    """Return the color in mode L, RGB or CMYK, and the alpha channel in mode L if there is one."""
    if image.mode.startswith("I;16"):
        samples = np.asarray(image)
        alpha = None if key is None else _alpha_of_key(samples[..., None], key)
        return _eight_bits(samples, image), alpha
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.mode in ("1", "L", "RGB") and key is not None:
        return _apply_key(image, key, bits)
    if image.mode in ("LA", "RGBA"):
        return image.convert(image.mode[:-1]), image.getchannel("A")
    if image.mode in ("L", "RGB", "CMYK"):
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _apply_key(image: Image.Image, key: Any, bits: int) -> tuple[Image.Image, Image.Image]:
    """Make one color transparent here: Pillow compares a key of 2, 4 or 16 bits with pixels of 8."""
    if image.mode == "1":
        image, bits = image.convert("L"), 8  # the one key that Pillow has scaled
    top = (1 << bits) - 1
    scaled = [value >> 8 if bits == 16 else value * 255 // top for value in np.atleast_1d(key).tolist()]
    return image, _alpha_of_key(np.asarray(image).reshape(image.height, image.width, -1), scaled)


def _alpha_of_key(pixels: NDArray[Any], key: Any) -> Image.Image:
    opaque = np.any(pixels != np.asarray(key), axis=-1)
    return Image.fromarray(opaque.astype(np.uint8) * 255)


def _eight_bits(samples: NDArray[np.uint16], image: Image.Image) -> Image.Image:
    """Scale 16-bit grey, which Pillow's own conversion would clip at 255."""
    tags = getattr(image, "tag_v2", {})
    depth = tags.get(_BITS_PER_SAMPLE, (16,))[0]
    grey = (samples.astype(np.uint32) * 255 + (1 << depth - 1)) // ((1 << depth) - 1)
    if tags and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        grey = 255 - grey
    return Image.fromarray(grey.astype(np.uint8))


def _upright(image: Image.Image, info: ImageInfo) -> NDArray[np.uint8]:
    turn = _UPRIGHT.get(info.orientation)
    if turn is None or info.format == "tiff":  # Pillow turns a TIFF while loading it
        return np.asarray(image)
    return np.asarray(image.transpose(turn))


def _visible(alpha: Image.Image | None, info: ImageInfo) -> NDArray[np.uint8] | None:
    if alpha is None or alpha.getextrema() == (255, 255):
        return None
    return _upright(alpha, info)
