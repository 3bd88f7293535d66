"""Turn the bytes of an image into upright 8-bit sRGB pixels, or refuse them with the reason."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.images.coded import CodedStill
from shared.images.limits import ImageLimits
from shared.images.probe import ImageInfo, load_pixels, open_image, refusing
from shared.specs.working_size import Size
from shared.storage.base import ObjectStore
from worker.codec.fine_color import with_other_bytes
from worker.codec.stills import decode_still
from worker.codec.upright import UprightDrawing, is_wide
from worker.memory import give_back

InputFile = bytes | Callable[[], bytes]  # the bytes, or what reads them from storage
Enough = Callable[[Size], Size]  # from the size of a picture to the size that is enough

_IN_MEMORY_BYTES = 8 * 1024 * 1024  # a larger file is read from storage again when it is decoded
_LARGE_PIXELS = 16_000_000  # from here on decoding costs hundreds of megabytes
_SPARE = 3  # times as large as needed: then nobody sees that a picture was reduced first (Pillow's thumbnail)
_BITS_PER_SAMPLE = 258  # TIFF tags
_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0
_SCREEN_MODES = ("P", "RGB", "RGBA", "RGBX", "YCbCr")

_large_picture_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """Pixels as a viewer would show them. The arrays may be read-only."""

    rgb: NDArray[np.uint8]  # (height, width, 3)
    alpha: NDArray[np.uint8] | None  # (height, width); None where every pixel is opaque
    size: Size  # width and height of the whole picture, pixels, before it was reduced
    profile: bytes | None = None  # the color profile that the pixels keep; None: they are sRGB


def input_file(objects: ObjectStore, key: str, data: bytes) -> InputFile:
    """Return the file under a key, whose bytes are known; jobs that wait for a turn keep no large ones."""
    return data if len(data) <= _IN_MEMORY_BYTES else partial(objects.get, key)


def bytes_of(file: InputFile) -> bytes:
    """Return the bytes of a file."""
    return file if isinstance(file, bytes) else file()


def decode(
    file: InputFile,
    limits: ImageLimits,
    *,
    field: str = "",
    enough: Enough | None = None,
    keeps_profile: bool = False,
) -> DecodedImage:
    """Decode the first frame, turned by its EXIF orientation and converted to sRGB by its color profile.

    Where it `keeps_profile`, color with a profile for screens stays as it is, and the profile comes along.
    `enough` gives the size that is enough for a picture of this width and height: a much larger picture is
    reduced while it is decoded, by whole factors that leave each side at least three times as long. Color of
    16 bits is rounded to 8 after it is converted; where nothing is converted the upper 8 remain. Raises what
    `probe` raises, CorruptImage for damage behind the header, OutOfMemory.
    """
    image, info = open_image(bytes_of(file), limits, field=field)
    with closing(image):
        if info.width * info.height <= _LARGE_PIXELS:
            return _first_frame(image, info, field, enough, keeps_profile)
    with _one_large_at_a_time():  # opened again: a picture that waits keeps nothing of its file in memory
        image, info = open_image(bytes_of(file), limits, field=field)
        with closing(image):
            return _first_frame(image, info, field, enough, keeps_profile)


def _first_frame(
    image: Image.Image, info: ImageInfo, field: str, enough: Enough | None, keeps_profile: bool
) -> DecodedImage:
    with refusing(info.format, field):
        return current_frame(image, info, enough=enough, keeps_profile=keeps_profile)


def current_frame(
    image: Image.Image, info: ImageInfo, *, enough: Enough | None = None, keeps_profile: bool = False
) -> DecodedImage:
    """Decode the current frame of an opened file. Call it under `refusing`."""
    profile, key = _metadata(image)
    kept = profile if keeps_profile and image.mode in _SCREEN_MODES and is_wide(profile) else None
    profile = None if kept else profile
    lower: Image.Image | None = with_other_bytes(image)
    if lower is not None and not is_wide(profile):
        lower = None
    if isinstance(image, CodedStill):
        image, lower = decode_still(image, info.format, is_fine=is_wide(profile))
    is_grey = _is_stored_grey(image)
    size = info.width, info.height
    least = None if enough is None else _stored_size(enough(size), info)
    if least is not None:
        image.draft(None, least)
    load_pixels(image, info)
    if image.mode in ("P", "PA") and image.palette is None:
        raise ValueError("it has no palette")  # Pillow would invent one for a part of the picture
    factors = (1, 1) if least is None else _factors(image.size, least)
    split = partial(
        _split, key=key, bits=info.sample_bits, tags=getattr(image, "tag_v2", {}), is_grey=is_grey
    )
    if lower is not None:
        load_pixels(lower, info)
    drawing = UprightDrawing(image.size, factors, info.orientation)
    return DecodedImage(*drawing.draw(image, split, profile, lower), size, kept)


@contextmanager
def _one_large_at_a_time() -> Iterator[None]:
    """Decode large pictures one after the other, so that the process's memory is bounded."""
    with _large_picture_lock:
        give_back()
        try:
            yield
        finally:
            give_back()


def _stored_size(enough: Size, info: ImageInfo) -> Size:
    """Return the size of the stored picture that is well above what is enough of the upright picture."""
    width, height = (_SPARE * side for side in (enough[::-1] if info.orientation >= 5 else enough))
    return width, height


def _factors(size: Size, least: Size) -> tuple[int, int]:
    return max(1, size[0] // least[0]), max(1, size[1] // least[1])


def _metadata(image: Image.Image) -> tuple[bytes | None, Any]:
    """Return the color profile and the transparent color; both are gone once the pixels are converted."""
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) else None, image.info.get("transparency")


def _is_stored_grey(image: Image.Image) -> bool:
    """Whether an opened picture's grey and alpha of 16 bits become RGBA in Pillow."""
    tiles = getattr(image, "tile", [])
    return image.mode == "RGBA" and bool(tiles) and "LA" in str(tiles[0].args)


def _split(
    image: Image.Image, *, key: Any, bits: int, tags: Mapping[int, Any], is_grey: bool
) -> tuple[Image.Image, Image.Image | None]:
    """Return the color in mode L, RGB, CMYK or LAB, and the alpha channel in mode L if there is one."""
    if image.mode.startswith("I;16"):
        samples = np.asarray(image)
        alpha = None if key is None else _alpha_of_key(samples[..., None], key)
        return _eight_bits(samples, tags), alpha
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.mode in ("1", "L", "RGB") and key is not None:
        return _apply_key(image, key, bits)
    if is_grey:
        return image.getchannel("R"), image.getchannel("A")
    if image.mode in ("LA", "RGBA"):
        return image.convert(image.mode[:-1]), image.getchannel("A")
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
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


def _eight_bits(samples: NDArray[np.uint16], tags: Mapping[int, Any]) -> Image.Image:
    """Scale 16-bit grey, which Pillow's own conversion would clip at 255."""
    depth = tags.get(_BITS_PER_SAMPLE, (16,))[0]
    grey = (samples.astype(np.uint32) * 255 + (1 << depth - 1)) // ((1 << depth) - 1)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        grey = 255 - grey
    return Image.fromarray(grey.astype(np.uint8))
