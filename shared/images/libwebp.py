"""Decode a still WebP by the libwebp that comes with Pillow; it can reduce a lossless picture at once.

Pillow itself makes four copies of the whole picture. Structures as in libwebp's `webp/decode.h`, whose major
version the library checks.
"""

import ctypes
from functools import cache

from PIL import _webp

_ABI_VERSION = 0x0209
_MODE_RGBA = 1
_LOSSLESS = 2


class _Features(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_int) for name in ("width", "height", "has_alpha", "has_animation", "format")
    ] + [("pad", ctypes.c_uint32 * 5)]


class _Pixels(ctypes.Structure):
    _fields_ = [("rgba", ctypes.c_void_p), ("stride", ctypes.c_int), ("size", ctypes.c_size_t)]


class _Place(ctypes.Union):
    _fields_ = [
        ("rgba", _Pixels),
        ("yuva", ctypes.c_uint64 * 10),  # not used, and larger: four planes, their strides and sizes
    ]


class _Output(ctypes.Structure):
    _fields_ = [
        ("colorspace", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("is_external_memory", ctypes.c_int),
        ("place", _Place),
        ("pad", ctypes.c_uint32 * 4),
        ("private_memory", ctypes.c_void_p),
    ]


_OPTIONS = (
    "bypass_filtering", "no_fancy_upsampling", "use_cropping", "crop_left", "crop_top", "crop_width",
    "crop_height", "use_scaling", "scaled_width", "scaled_height", "use_threads", "dithering_strength",
    "flip", "alpha_dithering_strength",
)  # fmt: skip


class _Options(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in _OPTIONS] + [("pad", ctypes.c_uint32 * 5)]


class _Config(ctypes.Structure):
    _fields_ = [("input", _Features), ("output", _Output), ("options", _Options)]


def is_lossless(data: bytes) -> bool:
    """Whether a still WebP is lossless, and libwebp can be reached: then `decode_webp` may reduce it."""
    library, features = _library(), _Features()
    if library is None or library.WebPGetFeaturesInternal(data, len(data), features, _ABI_VERSION):
        return False
    return bool(features.format == _LOSSLESS)


def decode_webp(data: bytes, size: tuple[int, int], *, is_reduced: bool) -> bytearray | None:
    """Return a still picture of `size`, (width, height) pixels, four bytes each: red, green, blue and alpha.

    Where it `is_reduced`, each pixel is the mean of those that it replaces, weighted by their alpha; only a
    lossless picture keeps to the weights. None where libwebp cannot be reached, or finds the file damaged.
    """
    library, config = _library(), _Config()
    if library is None or not library.WebPInitDecoderConfigInternal(ctypes.byref(config), _ABI_VERSION):
        return None
    pixels = bytearray(4 * size[0] * size[1])
    place = (ctypes.c_char * len(pixels)).from_buffer(pixels)
    config.output.colorspace, config.output.is_external_memory = _MODE_RGBA, 1
    config.output.place.rgba = _Pixels(ctypes.addressof(place), 4 * size[0], len(pixels))
    if is_reduced:
        config.options.use_scaling = 1
        config.options.scaled_width, config.options.scaled_height = size
    return None if library.WebPDecode(data, len(data), ctypes.byref(config)) else pixels


@cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(_webp.__file__)
        decode, features = library.WebPDecode, library.WebPGetFeaturesInternal
        library.WebPInitDecoderConfigInternal.argtypes = [ctypes.c_void_p, ctypes.c_int]
    except (OSError, AttributeError):
        return None
    decode.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p]
    features.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(_Features), ctypes.c_int]
    return library
