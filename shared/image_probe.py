"""Look at an image's header and refuse what the service will not decode, before any pixel is decoded."""

import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
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
from shared.image_files import ScreenGif, StoredTiff

# Opened by class and not by Image.open: that one applies Pillow's own pixel limit, a warning or an error by
# global state, and takes a phone's JPEG with a gain map for an animation.
_OPENERS: dict[str, type[ImageFile]] = {
    "bmp": BmpImageFile,
    "gif": ScreenGif,
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "tiff": StoredTiff,
    "webp": WebPImageFile,
}
FORMATS = frozenset(_OPENERS)
_ANIMATED = ("gif", "png", "webp")  # pages of a TIFF are no frames
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I;16", "I;16B"})
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
}
_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}  # sizes, the only ones in use
_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError,
    AssertionError, struct.error, zlib.error, Warning,
)  # fmt: skip

# Pillow warns of odd metadata with numbers from the file: a stranger's files could fill the log, and Python's
# registry of warnings already shown.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What an operator lets clients send."""

    max_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 64_000_000
    max_side: int = 16_384  # pixels
    min_side: int = 8  # pixels
    max_frames: int = 1  # of an animation, where they are used
    formats: frozenset[str] = FORMATS


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the header says. Width and height are those after the EXIF orientation is applied."""

    format: str  # "png", "jpeg", "webp", "gif", "bmp" or "tiff"
    media_type: str
    width: int
    height: int
    frames: int  # of an animation; counted no further than one more than allowed
    mode: str  # Pillow's name of the pixel layout
    orientation: int  # EXIF, 1 to 8


def probe(data: bytes, limits: ImageLimits, *, field: str = "") -> ImageInfo:
    """Describe an image from its header, or raise the error that names the field, the limit and the value.

    The format is decided by content alone. Pixels are neither decoded nor allocated: damage behind the header
    shows only when the image is decoded.
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
    _check_size(image.size, limits, field)
    _check_mode(image.mode, field)
    return image, _describe(image, image_format, container)


def check_frames(size: tuple[int, int], frames: int, limits: ImageLimits, *, field: str = "") -> None:
    """Raise TooManyFrames, or ImageTooLarge, where not all frames of an animation can be used."""
    if frames > limits.max_frames:
        detail = (
            f"The animation has more than {limits.max_frames} frames, the most allowed (max_frames) where "
            "the result is animated too; ask for a png or jpeg result to use its first frame."
        )
        raise TooManyFrames.of_field(field, detail)
    pixels = size[0] * size[1] * frames
    if pixels > limits.max_pixels:
        detail = (
            f"The animation has {frames} frames of {size[0]} x {size[1]} pixels, "
            f"{pixels} in all; at most {limits.max_pixels} are allowed (max_pixels)."
        )
        raise ImageTooLarge.of_field(field, detail)


@contextmanager
def refusing(image_format: str, field: str = "") -> Iterator[None]:
    """Turn what Pillow raises over bad data into our errors, even where Python is set to raise warnings."""
    try:
        yield
    except MemoryError as error:
        raise OutOfMemory(f"There was not enough memory for a {image_format} image.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge.of_field(field, f"The {image_format} image is too large: {error}") from error
    except _BROKEN as error:
        detail = f"The {image_format} image cannot be read: {_reason(error)}."
        raise CorruptImage.of_field(field, detail) from error


def _reason(error: Exception) -> str:
    """Return what Pillow says in words; its bare Python errors tell a client nothing."""
    said = error.args[0] if error.args else None
    if isinstance(error, OSError | SyntaxError | ValueError) and isinstance(said, str):
        return " ".join(said.split())[:120]
    return "it is damaged or ends too early"


def _describe(image: ImageFile, image_format: str, container: Container) -> ImageInfo:
    width, height = image.size[::-1] if container.orientation >= 5 else image.size
    return ImageInfo(
        format=image_format,
        media_type=f"image/{image_format}",
        width=width,
        height=height,
        frames=container.frames if image_format in _ANIMATED else 1,
        mode=image.mode,
        orientation=container.orientation,
    )


def _allowed_format(data: bytes, limits: ImageLimits, field: str) -> str:
    found = _sniff(data[:32])
    if found in limits.formats:
        return found
    kind = found.upper() if found else _name_stranger(data)
    accepted = ", ".join(sorted(limits.formats))
    raise UnsupportedImage.of_field(field, f"This is {kind}; accepted formats are {accepted}.")


def _sniff(head: bytes) -> str:
    """Return the format by its magic number, or ""."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")


def _name_stranger(data: bytes) -> str:
    """Name what clients send by mistake most often, so that the refusal explains itself."""
    if not data:
        return "an empty file"
    if data[4:8] == b"ftyp":
        return "a HEIC, AVIF or video file"
    if data.startswith(b"%PDF"):
        return "a PDF document"
    if re.search(rb"<svg[\s>]", data[:1024]):
        return "an SVG drawing"
    return "text" if data[:512].isascii() and b"\0" not in data[:512] else "unknown data"


def _check_container(container: Container, limits: ImageLimits, field: str) -> None:
    if container.size is not None:
        _check_size(container.size, limits, field)


def _check_size(size: tuple[int, int], limits: ImageLimits, field: str) -> None:
    shown = f"The image is {size[0]} x {size[1]} pixels"
    if max(size) > limits.max_side:
        raise ImageTooLarge.of_field(field, f"{shown}; a side may have at most {limits.max_side} (max_side).")
    if size[0] * size[1] > limits.max_pixels:
        detail = f"{shown}, {size[0] * size[1]} in all; at most {limits.max_pixels} are allowed (max_pixels)."
        raise ImageTooLarge.of_field(field, detail)
    if min(size) < limits.min_side:
        raise ImageTooSmall.of_field(field, f"{shown}; a side needs at least {limits.min_side} (min_side).")


def _check_mode(mode: str, field: str) -> None:
    if mode not in _MODES:
        raise UnsupportedImage.of_field(
            field, f"The image's pixels are of a kind that has no defined brightness range or color ({mode})."
        )
