"""Look at an image's header and refuse what the service will not decode, before any pixel is decoded."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Self

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from shared.errors import (
    BodyTooLarge,
    ImageTooLarge,
    ImageTooSmall,
    OutOfMemory,
    TooManyFrames,
    UnsupportedImage,
)
from shared.images.camera_raw import camera_raw
from shared.images.container import walk
from shared.images.decoder_messages import in_plain_words
from shared.images.foreign_formats import name_foreign, sniff
from shared.images.pillow_readers import ScreenGif, StillWebp, StoredTiff
from shared.images.quiet_pillow import quiet_pillow
from shared.images.structure import Container, Unreadable

if TYPE_CHECKING:
    from shared.settings import Limits

# Opened by class and not by Image.open: that one applies Pillow's own pixel limit, a warning or an error by
# global state, and takes a phone's JPEG with a gain map for an animation.
_OPENERS: dict[str, type[ImageFile]] = {
    "bmp": BmpImageFile,
    "gif": ScreenGif,
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "tiff": StoredTiff,
    "webp": StillWebp,
}
FORMATS = frozenset(_OPENERS)
_ANIMATED = ("gif", "png", "webp")  # pages of a TIFF are no frames
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I;16", "I;16B"})
_LAST_BLOCKS = 2 * 16 * 16  # pixels, which a JPEG loses with its last few bytes
_MOST_OF_SMALL = 50  # percent
_MANY_FRAMES = 1000
_ENDS = {"jpeg": b"\xff\xd9", "png": b"IEND\xaeB`\x82"}
_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError,
    AssertionError, struct.error, zlib.error, Warning,
)  # fmt: skip

quiet_pillow()


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What an operator lets clients send."""

    max_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 64_000_000
    max_side: int = 16_384  # pixels
    min_side: int = 8  # pixels
    max_frames: int = 1  # of an animation, where they are used
    max_missing_percent: float = 10  # of the pixels of a file that ends too early
    formats: frozenset[str] = FORMATS

    @classmethod
    def of(cls, limits: "Limits") -> Self:
        """Return what the settings allow of one picture: API and worker keep the same limits."""
        return cls(
            max_bytes=limits.max_body_bytes,
            max_pixels=limits.max_pixels,
            max_side=limits.max_side,
            min_side=limits.min_side,
            max_frames=limits.max_frames,
            max_missing_percent=limits.max_missing_percent,
        )


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
) -> tuple[ImageFile, ImageInfo]:
    """Probe, and return Pillow's still undecoded image as well; read its pixels by `load_pixels`.

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
            _check_size(container.size, limits, field)
        image = _OPENERS[image_format](BytesIO(container.data))
    _check_size(image.size, limits, field)
    _check_mode(image.mode, field)
    with refusing(image_format, field):
        _check_missing(container.missing(thorough), image.size, limits)
    if container.profile is not None:
        image.info["icc_profile"] = container.profile
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


def ends_too_early(data: bytes) -> bool:
    """Whether a picture's file lacks its end; False as well where it cannot be read at all."""
    image_format = sniff(data[:32])
    end = _ENDS.get(image_format)
    if end is not None and data.endswith(end):
        return False  # as nearly all do: no need to walk
    with suppress(*_BROKEN):
        return bool(image_format) and walk(image_format, data, _MANY_FRAMES).is_truncated
    return False


def load_pixels(image: Image.Image, info: ImageInfo) -> None:
    """Decode the frame at which an opened file stands; what is missing at the end of its file stays empty."""
    try:
        image.load()
    except OSError:
        if not info.is_truncated or not isinstance(image, ImageFile) or image._im is None:
            raise
        image.tile = []  # Pillow has decoded what is there
        image.load()


def _check_missing(share: float, size: tuple[int, int], limits: ImageLimits) -> None:
    """Raise Unreadable where too much is missing. Of a small picture the last bytes are a large share."""
    most = limits.max_missing_percent
    last_bytes = min(_MOST_OF_SMALL, _LAST_BLOCKS * 100 / (size[0] * size[1])) if most else 0
    if share * 100 > max(most, last_bytes):
        raise Unreadable(
            f"it ends too early: about {max(1, round(share * 100))} % of its pixels are missing, and at most "
            f"{most:g} % may be (max_missing_percent)"
        )


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
        sample_bits=container.data[24] if image_format == "png" else 8,
        is_truncated=container.is_truncated,
    )


def format_of(data: bytes, limits: ImageLimits, field: str = "") -> str:
    """Return the format by the beginning of a file; raise UnsupportedImage that names a foreign one."""
    found = sniff(data[:32])
    raw = camera_raw(data) if found in ("", "tiff") else ""
    if found in limits.formats and not raw:
        return found
    kind = raw or (found.upper() if found else name_foreign(data))
    accepted = ", ".join(sorted(limits.formats))
    raise UnsupportedImage.of_field(field, f"This is {kind}; accepted formats are {accepted}.")


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
        shown = f" ({mode})" if mode else ""
        raise UnsupportedImage.of_field(
            field, f"The image's pixels are of a kind that has no defined brightness range or color{shown}."
        )
