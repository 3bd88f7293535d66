"""Measure how much of a JPEG file's picture is missing at its end."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
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
    return _share_from_first(np.any(still != noisy, axis=-1), 2 * _BLOCK // scale)


def _small(data: bytes, scale: int) -> NDArray[np.uint8]:
    image: Image.Image = JpegImageFile(BytesIO(data))
    image.draft(None, (-(-image.width // scale), -(-image.height // scale)))
    image.load()
    return np.asarray(image).reshape(image.height, image.width, -1)


def _share_from_first(differs: NDArray[np.bool_], block: int) -> float:
    """Return the share from the first difference on, in rows of blocks that are `block` pixels high."""
    rows = np.flatnonzero(differs.any(axis=1))
    if not rows.size:
        return 0.0
    height, width = map(int, differs.shape)
    top = int(rows[0]) // block * block
    bottom = min(top + block, height)
    left = int(np.flatnonzero(differs[top:bottom].any(axis=0))[0]) // block * block
    missing = (height - bottom) * width + (width - left) * (bottom - top)
    return missing / (height * width)
