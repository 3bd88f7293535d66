"""Measure how much of a JPEG file's picture is missing at its end."""

from io import BytesIO

from PIL import Image, ImageChops
from PIL.JpegImagePlugin import JpegImageFile

from shared.images.jpeg_scans import Scans

_END = b"\xff\xd9"
_NOISE = b"\x55\xa7\x33\xc9" * 64  # bits that no picture goes on with
_BLOCK = 8  # pixels


def missing_share(picture: bytes, scans: Scans, thorough: bool) -> float:
    """Return the share of the pixels, 0 to 1, that come from behind the end; `picture` ends with a marker.

    Decodes the picture small, once as it is and once with noise at its end: all blocks from the first one
    that differs on are missing. A file of several scans is taken for whole, unless this may be `thorough`:
    its decoder keeps all coefficients in memory.
    """
    if scans.known is not None:
        return 1.0 - scans.known
    if scans.count > 1 and not thorough:
        return 0.0
    scale = _BLOCK if scans.begins_blocks else 2
    still, noisy = (_small(data, scale) for data in (picture, picture.removesuffix(_END) + _NOISE + _END))
    return _share_from_first(ImageChops.difference(still, noisy), 2 * _BLOCK // scale)


def _small(data: bytes, scale: int) -> Image.Image:
    image: Image.Image = JpegImageFile(BytesIO(data))
    image.draft(None, (-(-image.width // scale), -(-image.height // scale)))
    image.load()
    return image


def _share_from_first(differs: Image.Image, block: int) -> float:
    """Return the share from the first pixel on that is not black, in rows of blocks `block` pixels high."""
    first = differs.getbbox()
    if first is None:
        return 0.0
    width, height = differs.size
    top = first[1] // block * block
    bottom = min(top + block, height)
    row = differs.crop((0, top, width, bottom)).getbbox() or (0, 0, 0, 0)
    left = row[0] // block * block
    missing = (height - bottom) * width + (width - left) * (bottom - top)
    return missing / (height * width)
