"""Look at an image's header and refuse what the service cannot or will not decode, before any pixel is decoded."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from shared.errors import (
    BodyTooLarge,
    CorruptImage,
    ImageTooLarge,
    ImageTooSmall,
    OutOfMemory,
    TooManyFrames,
    UnsupportedImage,
)
from shared.image_container import Container, walk

# Opening by class, where Image.open asks a process-wide registry, takes Pillow's own pixel limit (a warning or an error,
# depending on global state) and the multi-picture JPEG reader out of the way: a phone's photo with a gain map is one frame.
_OPENERS: dict[str, type[ImageFile]] = {
    "bmp": BmpImageFile,
    "gif": GifImageFile,
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "tiff": TiffImageFile,
    "webp": WebPImageFile,
}
FORMATS = frozenset(_OPENERS)
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I;16", "I;16B"})
_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}  # sizes, the only ones in use
_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError,
    struct.error, zlib.error, Warning,
)  # fmt: skip

# Pillow words oddities of metadata as warnings, with numbers from the file: without this a stranger's files could fill
# the log and the registry of warnings already shown.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What an operator lets clients send."""

    max_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 64_000_000
    max_side: int = 16_384  # pixels
    min_side: int = 8  # pixels
    max_frames: int = 1
    formats: frozenset[str] = FORMATS


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the header says. Width and height are those after the EXIF orientation is applied."""

    format: str  # "png", "jpeg", "webp", "gif", "bmp" or "tiff"
    media_type: str
    width: int
    height: int
    frames: int
    mode: str  # Pillow's name of the pixel layout
    orientation: int  # EXIF, 1 to 8


def probe(data: bytes, limits: ImageLimits, *, field: str = "") -> ImageInfo:
    """Describe an image from its header, or raise the error that names `field`, the limit and the actual value.

    The format is decided by content alone. Pixels are neither decoded nor allocated, so a damaged body goes unnoticed.
    """
    return open_image(data, limits, field=field)[1]


def open_image(data: bytes, limits: ImageLimits, *, field: str = "") -> tuple[ImageFile, ImageInfo]:
    """Probe, and return Pillow's still undecoded image as well; read its pixels under `refusing`."""
    if len(data) > limits.max_bytes:
        raise BodyTooLarge.of_field(
            field, f"The image has {len(data)} bytes; at most {limits.max_bytes} are allowed (max_bytes)."
        )
    image_format = _allowed_format(data, limits, field)
    with refusing(image_format, field):
        container = walk(image_format, data, limits.max_frames)
        _check_container(container, limits, field)
        image = _OPENERS[image_format](BytesIO(data))
        orientation = image.tag_v2.get(0x0112, 1) if isinstance(image, TiffImageFile) else container.orientation
    _check_size(image.size, limits, field)
    _check_mode(image.mode, field)
    # Pillow has turned a TIFF's size already.
    turned = container.orientation >= 5 and image_format != "tiff"
    width, height = image.size[::-1] if turned else image.size
    return image, ImageInfo(
        format=image_format,
        media_type=f"image/{image_format}",
        width=width,
        height=height,
        frames=container.frames,
        mode=image.mode,
        orientation=container.orientation,
    )
