"""Look at an image's header and refuse what the service will not decode, before any pixel is decoded."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from shared.errors import BodyTooLarge, OutOfMemory, UnsupportedImage
from shared.images.coded import CodedStill
from shared.images.container import walk
from shared.images.formats import SNIFFED, camera_raw, name_foreign, sniff
from shared.images.limits import ImageLimits, check_missing, check_size
from shared.images.pillow_readers import ScreenGif, StillWebp, StoredTiff, in_plain_words, quiet_pillow
from shared.images.structure import Container

# Opened by class and not by Image.open: that one applies Pillow's own pixel limit, a warning or an error by
# global state, and takes a phone's JPEG with a gain map for an animation.
_OPENERS: dict[
    str, type[ImageFile]
] = {  # of formats that Pillow opens; for the others, workers have decoders
    "bmp": BmpImageFile,
    "gif": ScreenGif,
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "tiff": StoredTiff,
    "webp": StillWebp,
}
_ANIMATED = ("gif", "png", "webp")  # pages of a TIFF are no frames
_MODES = frozenset(
    {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "I;16", "I;16B"}
)
_MANY_FRAMES = 1000
_ENDS = {"jpeg": b"\xff\xd9", "png": b"IEND\xaeB`\x82"}
_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError,
    AssertionError, struct.error, zlib.error, Warning,
)  # fmt: skip

quiet_pillow()


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the header says. Width and height are those after the EXIF orientation is applied."""

    format: str  # "png", "jpeg", "webp", "gif", "bmp", "tiff", "heic" or "avif"
    media_type: str
    width: int
    height: int
    frames: int  # of an animation; counted no further than one more than allowed
    mode: str  # Pillow's name of the pixel layout
    orientation: int  # EXIF, 1 to 8
    sample_bits: int = 8  # of a PNG, whose transparent color has as many
    is_truncated: bool = False  # whether the file ends before its end marker; what is missing is empty


def probe(data: bytes, limits: ImageLimits, *, field: str = "") -> ImageInfo:
    """Describe an image from its header, or raise the error that names the field, the limit and the value.

    The format is decided by content alone. Pixels are neither decoded nor allocated, but for a JPEG file
    without its end, which is decoded at an eighth of its size to see how much is missing. Other damage behind
    the header shows only when the image is decoded.
    """
    return open_image(data, limits, field=field, thorough=False)[1]


def open_image(
    data: bytes, limits: ImageLimits, *, field: str = "", thorough: bool = True
) -> tuple[Image.Image, ImageInfo]:
    """Probe, and return Pillow's still undecoded image as well; read its pixels by `load_pixels`.

    Of HEIC and AVIF it is a CodedStill, which a decoder must make pixels of first.

    Pillow gets a copy that holds nothing but what the pixels need, so that no metadata can refuse a picture.
    Where this may be `thorough`, what is missing of a truncated file is found out at any price.
    """
    if len(data) > limits.max_bytes:
        raise BodyTooLarge.of_field(
            field, f"The image has {len(data)} bytes; at most {limits.max_bytes} are allowed (max_bytes)."
        )
    image_format = format_of(data, limits, field)
    with refusing(image_format, field):
        container = walk(image_format, data, limits.max_frames)
        if container.size is not None:
            check_size(container.size, limits, field)
        image = _opened(image_format, container)
    check_size(image.size, limits, field)
    _check_mode(image.mode, field)
    with refusing(image_format, field):
        check_missing(container.missing(thorough), image.size, limits)
    if container.profile is not None:
        image.info["icc_profile"] = container.profile
    return image, _describe(image, image_format, container)


def _opened(image_format: str, container: Container) -> Image.Image:
    opener = _OPENERS.get(image_format)
    return opener(BytesIO(container.data)) if opener else CodedStill(container)


def ends_too_early(data: bytes) -> bool:
    """Whether a picture's file lacks its end; False as well where it cannot be read at all."""
    image_format = sniff(data[:SNIFFED])
    end = _ENDS.get(image_format)
    if end is not None and data.endswith(end):
        return False  # as nearly all do: no need to walk
    with suppress(*_BROKEN):
        return bool(image_format) and walk(image_format, data, _MANY_FRAMES).is_truncated
    return False


def load_pixels(image: Image.Image, info: ImageInfo) -> None:
    """Decode the current frame of an opened file; what is missing at the end of its file stays empty."""
    try:
        image.load()
    except OSError:
        if not info.is_truncated or not isinstance(image, ImageFile) or image._im is None:
            raise
        image.tile = []  # Pillow has decoded what is there
        image.load()


@contextmanager
def refusing(image_format: str, field: str = "") -> Iterator[None]:
    """Turn what Pillow raises over bad data into our errors, even where Python is set to raise warnings."""
    try:
        yield
    except MemoryError as error:
        raise OutOfMemory(f"There was not enough memory for a {image_format} image.") from error
    except _BROKEN as error:
        fault = in_plain_words(error)
        detail = f"The {image_format} image cannot be read: {fault.text}."
        raise fault.kind.of_field(field, detail) from error


def _describe(image: Image.Image, image_format: str, container: Container) -> ImageInfo:
    width, height = image.size[::-1] if container.orientation >= 5 else image.size
    return ImageInfo(
        format=image_format,
        media_type=f"image/{image_format}",
        width=width,
        height=height,
        frames=container.frames if image_format in _ANIMATED else 1,
        mode=image.mode,
        orientation=container.orientation,
        sample_bits=container.data[24] if image_format == "png" else 8,
        is_truncated=container.is_truncated,
    )


def format_of(data: bytes, limits: ImageLimits, field: str = "") -> str:
    """Return the format by the beginning of a file; raise UnsupportedImage that names a foreign one."""
    found = sniff(data[:SNIFFED])
    raw = camera_raw(data) if found in ("", "tiff") else ""
    if found in limits.formats and not raw:
        return found
    kind = raw or (found.upper() if found else name_foreign(data))
    accepted = ", ".join(sorted(limits.formats))
    raise UnsupportedImage.of_field(field, f"This is {kind}; accepted formats are {accepted}.")


def _check_mode(mode: str, field: str) -> None:
    if mode not in _MODES:
        shown = f" ({mode})" if mode else ""
        raise UnsupportedImage.of_field(
            field, f"The image's pixels are of a kind that has no defined brightness range or color{shown}."
        )
