"""Decode pictures of HEIC by libde265 and of AVIF by dav1d: what a decoder gets is the walk's small copy."""

from io import BytesIO

from pi_heif import open_heif, options
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile

from shared.images.coded import CodedStill

_OF_16_BITS = ("RGB", "RGBA")  # which Pillow reads upper bytes of, and lower ones

options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False


def decode_still(
    still: CodedStill, image_format: str, *, is_fine: bool
) -> tuple[Image.Image, Image.Image | None]:
    """Return the pixels that are shown, in mode RGB or RGBA, not yet turned; call it under `refusing`.

    Where it `is_fine`, a HEIC of more than 8 bits a sample comes as upper bytes and lower bytes.

    Raises ValueError where the decoder finds damage, or another size than the header states. Damage behind
    the beginning of a HEIC shows as it does in a JPEG: its decoder goes on.
    """
    data, stored = still.container.data, still.container.size
    try:
        parts = [_avif(data)] if image_format == "avif" else _heic(data, is_fine=is_fine)
    except RuntimeError as error:  # whose text may quote the file
        raise ValueError("its data is invalid") from error
    if parts[0].size != stored:
        raise ValueError("its header is damaged")
    parts = [_shown(part, still) for part in parts]
    return parts[0], parts[1] if len(parts) > 1 else None


def _shown(image: Image.Image, still: CodedStill) -> Image.Image:
    if image.mode != still.mode:
        image = image.convert(still.mode)
    return image.crop(still.container.crop) if still.container.crop else image


def _avif(data: bytes) -> Image.Image:
    image = AvifImageFile(BytesIO(data))
    image.load()
    return image


def _heic(data: bytes, *, is_fine: bool) -> list[Image.Image]:
    picture = open_heif(data, convert_hdr_to_8bit=not is_fine)
    mode, _, bits = picture.mode.partition(";")
    names = (f"{mode};16L", f"{mode};16B") if bits else (mode,)
    if bits and mode not in _OF_16_BITS:
        picture, names = open_heif(data), (mode,)
    return [Image.frombytes(mode, picture.size, picture.data, "raw", name, picture.stride) for name in names]
