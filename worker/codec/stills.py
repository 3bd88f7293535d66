"""Decode pictures of HEIC by libde265 and of AVIF by dav1d: what a decoder gets is the walk's small copy."""

from io import BytesIO

from pi_heif import open_heif, options
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile

from shared.images.coded import CodedStill

options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False


def decode_still(still: CodedStill, image_format: str) -> Image.Image:
    """Return the pixels that are shown, in mode RGB or RGBA, not yet turned; call it under `refusing`.

    Raises ValueError where the decoder finds damage, or another size than the header states. Damage behind
    the beginning of a HEIC shows as it does in a JPEG: its decoder goes on.
    """
    data, stored = still.container.data, still.container.size
    try:
        image = _avif(data) if image_format == "avif" else _heic(data)
    except RuntimeError as error:  # whose text may quote the file
        raise ValueError("its data is invalid") from error
    if image.size != stored:
        raise ValueError("its header is damaged")
    if image.mode != still.mode:
        image = image.convert(still.mode)
    return image.crop(still.container.crop) if still.container.crop else image


def _avif(data: bytes) -> Image.Image:
    image = AvifImageFile(BytesIO(data))
    image.load()
    return image


def _heic(data: bytes) -> Image.Image:
    picture = open_heif(data)
    return Image.frombytes(picture.mode, picture.size, picture.data, "raw", picture.mode, picture.stride)
