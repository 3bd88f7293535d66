"""Turn pixels into the bytes of a file: the same pixels and settings always give the same bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal, assert_never

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.errors import ImageTooLarge
from worker.codec.carried import Carried
from worker.codec.metadata import xmp_packet
from worker.codec.pixels import WHITE, compose, strips
from worker.codec.png import write_png

OutputFormat = Literal["png", "jpeg", "webp"]

# PNG, measured on a stylized photo of 384 and of 1024 pixels a side, on one core: run lengths over rows
# filtered by Paeth give ratios of 1.86 and 1.91 in 6.6 and 45 ms. Pillow's encoder tries all filters on each
# row, and gives the same ratios in 12 and 86 ms. Zlib's usual matching gives 1.62 and 1.66 at level 1; at
# level 6 the file is 2 % smaller than with run lengths, for seven times the time.
# Optimized tables or progressive scans save 2 to 5 % of a JPEG for 2 to 5 times the time; effort 4 instead of
# 2 saves 1 % of a WebP for twice the time.
_JPEG: dict[str, Any] = {"optimize": False, "progressive": False}
WEBP: dict[str, Any] = {"method": 2, "lossless": False}
_EXIF = b"Exif\0\0"
_XMP_KEY = "XML:com.adobe.xmp"  # of a text in a PNG
_FULL_CHROMA_QUALITY = 90  # from here on a JPEG keeps color at full resolution
_LONGEST_SIDE = {"png": 2**31 - 1, "jpeg": 65_535, "webp": 16_383, "gif": 65_535}


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """A finished file."""

    data: bytes
    media_type: str
    width: int
    height: int


def encode(
    picture: NDArray[np.uint8],
    *,
    format: OutputFormat,
    quality: int,
    alpha: NDArray[np.uint8] | None = None,
    text: Mapping[str, str] | None = None,
    properties: Mapping[str, str] | None = None,
    profile: bytes | None = None,
    carried: Carried | None = None,
) -> EncodedImage:
    """Encode a picture, (h, w, 3) color or (h, w) or (h, w, 1) grey, with alpha (h, w) or None.

    `quality`, 1 to 100, counts for JPEG and WebP. `text` goes into a PNG, its keys Latin-1 and at most 79
    long, and nowhere else; `properties`, by names of `worker/codec/metadata.py`, go into every format as XMP;
    `profile` is the ICC profile of the colors, None for sRGB; `carried` is metadata of the content; no other
    metadata is written. JPEG has no alpha: the picture is laid over white.
    """
    _check(picture, format)
    height, width = picture.shape[:2]
    carried = carried or Carried()
    xmp = xmp_packet({**carried.properties, **(properties or {})}, carried.descriptions)
    if format == "png":
        texts = {**(text or {}), **({_XMP_KEY: xmp.decode()} if xmp else {})}
        data = write_png(_samples(picture, alpha), texts, profile, carried.exif)
        return EncodedImage(data, "image/png", width, height)
    buffer, exif = BytesIO(), _EXIF + carried.exif if carried.exif else b""
    beside: dict[str, Any] = {"xmp": xmp, "exif": exif, "icc_profile": profile}
    match format:
        case "jpeg":
            chroma = "4:4:4" if quality >= _FULL_CHROMA_QUALITY else "4:2:0"
            options = {**_JPEG, "subsampling": chroma, **beside}
            _on_white(picture, alpha).save(buffer, "JPEG", quality=quality, **options)
        case "webp":
            _to_image(_samples(picture, alpha)).save(buffer, "WEBP", quality=quality, **WEBP, **beside)
        case _:
            assert_never(format)
    return EncodedImage(buffer.getvalue(), f"image/{format}", width, height)


def _check(picture: NDArray[np.uint8], format: OutputFormat) -> None:
    if picture.dtype != np.uint8:
        raise ValueError(f"a picture has 8-bit samples, not {picture.dtype}")
    height, width = picture.shape[:2]
    check_side((width, height), format)


def _samples(picture: NDArray[np.uint8], alpha: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Return (h, w, samples), alpha the last of them."""
    color = picture.reshape(*picture.shape[:2], -1)
    return color if alpha is None else np.dstack([color, alpha])


def check_side(size: tuple[int, int], format: str) -> None:
    """Raise ImageTooLarge for a picture that a file of this format cannot hold."""
    if max(size) > _LONGEST_SIDE[format]:
        raise ImageTooLarge(f"A {format} file holds at most {_LONGEST_SIDE[format]} pixels a side.")


def _to_image(samples: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(samples[:, :, 0] if samples.shape[2] == 1 else samples)


def _on_white(picture: NDArray[np.uint8], alpha: NDArray[np.uint8] | None) -> Image.Image:
    samples = _samples(picture, None)
    if alpha is None:
        return _to_image(samples)
    image = Image.new("L" if samples.shape[2] == 1 else "RGB", alpha.shape[::-1])
    for rows in strips(len(alpha)):
        image.paste(_to_image(compose(samples[rows], alpha[rows], WHITE)), (0, rows.start))
    return image
