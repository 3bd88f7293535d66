"""WebP files: a walk over their parts, and still ones decoded by the libwebp that comes with Pillow.

The walk copies frames and which way up they are. libwebp can reduce a lossless picture while it decodes;
Pillow itself makes four copies of the whole. Structures as in its `webp/decode.h`, whose major version it
checks.
"""

import ctypes
import struct
from collections.abc import Iterator
from functools import cache

from PIL import _webp

from shared.images.exif import orientation_of
from shared.images.structure import MAX_PROFILE, MAX_SKIPPED, Budget, Container, Unreadable, parts_of

_HEADER = 12  # bytes
_PIXELS = (b"VP8 ", b"VP8L")
_NEEDED = (*_PIXELS, b"VP8X", b"ALPH", b"ANIM", b"ANMF")
_LOOKED_AT = frozenset({*_NEEDED, b"EXIF", b"ICCP", b"XMP "})
_CHUNK_HEAD = struct.Struct("<4sI")
_FLAGS_OF_METADATA = 0x20 | 0x08 | 0x04  # color profile, EXIF, XMP: of VP8X
_ABI_VERSION = 0x0209
_MODE_RGBA = 1
_LOSSLESS = 2
_OPTIONS = (
    "bypass_filtering", "no_fancy_upsampling", "use_cropping", "crop_left", "crop_top", "crop_width",
    "crop_height", "use_scaling", "scaled_width", "scaled_height", "use_threads", "dithering_strength",
    "flip", "alpha_dithering_strength",
)  # fmt: skip


def walk_webp(data: bytes, max_frames: int) -> Container:
    """Visit the chunks as far as the file says that it goes; what lies behind that is not looked at."""
    kept: list[bytes | memoryview] = []
    frames, exif, xmp, profile, stills = 0, b"", b"", b"", 0
    for kind, body in _chunks(data):
        if kind == b"EXIF":
            exif = exif or bytes(body)
        elif kind == b"XMP ":
            xmp = xmp or bytes(body)
        elif kind == b"ICCP" and len(body) <= MAX_PROFILE:
            profile = profile or bytes(body)
        elif kind in _NEEDED and frames <= max_frames and not (stills and kind in _PIXELS):
            kept += _chunk(kind, body)
            frames += kind == b"ANMF"
            stills += kind in _PIXELS
    is_cut = len(data) + 1 < _stated_end(data)  # a byte that only fills up may be missing
    if is_cut and frames:
        raise Unreadable("it ends too early: frames of its animation are missing")
    header = b"RIFF" + struct.pack("<I", 4 + sum(map(len, kept))) + b"WEBP"
    return Container(
        data=b"".join([header, *kept]),  # copied once: it may have 32 MiB
        frames=max(1, frames),
        orientation=orientation_of(exif, xmp),
        size=_canvas(kept),
        profile=profile or None,
        exif=exif,
        xmp=xmp,
        is_truncated=is_cut,
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and body of the chunks; raise Unreadable where the pixels of one are cut off."""
    end = min(len(data), _stated_end(data))
    view, position, parts, skipped = memoryview(data), _HEADER, parts_of(data), Budget(MAX_SKIPPED)
    while position + 8 <= end:
        kind, length = _CHUNK_HEAD.unpack_from(data, position)
        start = position + 8
        position = start + length + (length & 1)
        if kind not in _LOOKED_AT:
            skipped.spend()
            continue
        parts.spend()
        body = view[start : start + length]
        if len(body) == length:
            yield kind, body
        elif kind in _NEEDED:
            raise Unreadable("it ends too early: its pixels cannot be read without their end")


def _stated_end(data: bytes) -> int:
    return 8 + int.from_bytes(data[4:8], "little")


def _chunk(kind: bytes, body: memoryview) -> list[bytes | memoryview]:
    """Return a chunk's head, body and filling."""
    content: bytes | memoryview = body
    if kind == b"VP8X" and body:
        content = bytes([body[0] & ~_FLAGS_OF_METADATA]) + bytes(body[1:])
    return [kind + struct.pack("<I", len(content)), content, b"\0" * (len(content) & 1)]


def _canvas(chunks: list[bytes | memoryview]) -> tuple[int, int] | None:
    """Return the size by the first chunk, before it is parsed."""
    kind, body = (bytes(chunks[0][:4]), bytes(chunks[1][:10])) if chunks else (b"", b"")
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


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
