"""Small files that unpack to much: as many pixels as are allowed, frames, profiles, texts, directories."""

import struct
import zlib
from collections.abc import Callable
from functools import partial
from io import BytesIO

import numpy as np
from PIL import Image

from tests.support.images import grids, metadata, phones, pictures
from tests.support.images.pictures import chunk

SIDE = 8000  # pixels; squared, the most that is allowed
FRAMES = 48  # the most
FRAME_SIDE = 1150  # of such an animation, just within what all frames may have together
_NULLS = 400 * 1024 * 1024


def _plain(mode: str, format: str, side: int = SIDE, **options: object) -> bytes:
    return pictures.save(Image.new(mode, (side, side)), format, **options)


def _wide_png(bits: int, color_type: int, *, interlaced: int = 0) -> bytes:
    """Return a PNG of the most pixels, packed from nothing but zeros."""
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[color_type]
    rows = SIDE * (1 + SIDE * samples * bits // 8)
    header = struct.pack(">IIBBBBB", SIDE, SIDE, bits, color_type, 0, 0, interlaced)
    return _png(header, _zeros(rows + interlaced * 8 * SIDE))


def _zeros(count: int) -> bytes:
    packer, block = zlib.compressobj(9), bytes(1 << 20)
    packed = [packer.compress(block) for _ in range(count >> 20)]
    return b"".join([*packed, packer.compress(bytes(count & (1 << 20) - 1)), packer.flush()])


def _png(header: bytes, pixels: bytes, extra: bytes = b"") -> bytes:
    parts = chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels)
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b"")


def _small_png(kind: bytes, body: bytes) -> bytes:
    return pictures.raw_png(pictures.gradient(), 2, bits=8, extra=chunk(kind, body))


def _film(format: str, frames: int, side: int) -> bytes:
    noise = np.random.default_rng(frames).integers(0, 255, (frames, 8, 8, 3), np.uint8)
    pages = [Image.fromarray(page).resize((side, side), Image.Resampling.NEAREST) for page in noise]
    buffer = BytesIO()
    pages[0].save(buffer, format, save_all=True, append_images=pages[1:], duration=20, loop=0)
    return buffer.getvalue()


def _wild_frames(count: int) -> bytes:
    """Return a GIF whose frames lie far outside its screen."""
    frame = b"\x21\xf9\x04\x08\0\0\0\0" + struct.pack("<BHHHHB", 0x2C, 60000, 60000, 5000, 5000, 0)
    return b"GIF89a\x20\0\x20\0\x80\0\0" + bytes(6) + (frame + b"\x02\x02\x4c\x01\0") * count + b";"


def _jpeg_with(*segments: bytes) -> bytes:
    data = pictures.photo(64, 48)
    return data[:2] + b"".join(segments) + data[2:]


def _profile_segments() -> bytes:
    body = bytes(65_000)
    return b"".join(
        metadata.segment(0xE2, b"ICC_PROFILE\0" + bytes((number, 255)) + body) for number in range(1, 256)
    )


def _many_scans(scans: int, side: int = SIDE, mode: str = "RGB") -> bytes:
    """Return a progressive JPEG whose last scan, of few bytes and a pass over all pixels, comes again."""
    data = _plain(mode, "jpeg", side, progressive=True, quality=30)
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * (scans - data.count(b"\xff\xda")) + data[-2:]


def _directories(loops: int) -> bytes:
    """Return a TIFF whose chain of directories leads back to its beginning, or is long."""
    data = bytearray(pictures.tiff(64, 48))
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    end = start + 2 + 12 * count
    struct.pack_into("<I", data, end, start if loops else len(data))
    whole = bytes(data)
    entries = struct.pack("<HHHII", 1, 254, 4, 1, 0)
    for number in range(0 if loops else 50_000):
        whole += entries + struct.pack("<I", len(data) + 18 * (number + 1))
    return whole


_EXIF = metadata.bad_exif()["oriented, tags that all claim 60 kB"]
BOMBS: dict[str, Callable[[], bytes]] = {
    "profile of zeros": lambda: _small_png(b"iCCP", b"name\0\0" + _zeros(_NULLS)),
    "lossless webp": lambda: _plain("RGBA", "webp", lossless=True, method=0),
    "600 scans": partial(_many_scans, 600),
    "500 scans": partial(_many_scans, 500),
    "500 scans of a small picture": partial(_many_scans, 500, 2000),
    "30 scans": partial(_many_scans, 30),
    "30 scans without an end": lambda: _many_scans(30)[:-3],
    **{
        f"png of {bits} bits, type {kind}, interlaced={interlaced}": partial(
            _wide_png, bits, kind, interlaced=interlaced
        )
        for bits, kind in ((1, 0), (8, 0), (8, 2), (8, 6), (16, 0), (16, 2), (16, 4), (16, 6))
        for interlaced in (0, 1)
    },
    **{f"{name} of 256 tiles": partial(grids.repeated, name, 500, 16, 16) for name in ("heic", "avif")},
    **{f"{name} of 65,025 tiles": partial(grids.repeated, name, 64, 255, 255) for name in ("heic", "avif")},
    "avif": lambda: phones.still(Image.new("RGB", (SIDE, SIDE)), "avif", speed=10),
    "a million boxes": lambda: phones.photo()[:28] + struct.pack(">I4s", 8, b"free") * 1_000_000,
    "palette png": lambda: _plain("P", "png"),
    "lossy webp": lambda: _plain("RGB", "webp", method=0),
    "gif": lambda: _plain("P", "gif"),
    "jpeg": lambda: _plain("RGB", "jpeg"),
    "progressive jpeg": lambda: _plain("RGB", "jpeg", progressive=True),
    "cmyk jpeg": lambda: _plain("CMYK", "jpeg"),
    "grey jpeg": lambda: _plain("L", "jpeg"),
    "turned jpeg": lambda: _plain("RGB", "jpeg", exif=metadata.directory(metadata.ORIENTED)),
    "profiled jpeg": lambda: _plain("RGB", "jpeg", icc_profile=pictures.exchanged_profile()),
    "turned png": lambda: _plain("RGB", "png", exif=metadata.directory(metadata.ORIENTED)),
    **{
        f"tiff {mode} {packing}": partial(_plain, mode, "tiff", compression=packing)
        for mode in ("1", "L", "RGB", "RGBA", "CMYK", "I;16")
        for packing in ("tiff_adobe_deflate", "tiff_lzw", "packbits")
    },
    "fax tiff": lambda: _plain("1", "tiff", compression="group4"),
    "turned tiff": lambda: _plain("RGB", "tiff", compression="tiff_lzw", tiffinfo={274: 6}),
    "one bit bmp": lambda: _plain("1", "bmp"),
    **{f"film {name}": partial(_film, name, FRAMES, FRAME_SIDE) for name in ("gif", "png", "webp")},
    **{f"long film {name}": partial(_film, name, 1500, 16) for name in ("gif", "png", "webp")},
    "few wild frames": lambda: _wild_frames(FRAMES),
    "wild frames": lambda: _wild_frames(100_000),
    "packed text of zeros": lambda: _small_png(b"zTXt", b"Raw profile type exif\0\0" + _zeros(_NULLS)),
    "XMP of zeros": lambda: _small_png(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + _zeros(_NULLS)),
    "EXIF of tags that claim much": lambda: _jpeg_with(metadata.segment(0xE1, b"Exif\0\0" + _EXIF)),
    "EXIF in a png": lambda: _small_png(b"eXIf", _EXIF),
    "16 MB of profile": lambda: _jpeg_with(_profile_segments()),
    "a loop of directories": lambda: _directories(1),
    "50,000 directories": lambda: _directories(0),
    "a million comments": lambda: _jpeg_with(metadata.segment(0xFE, b"") * 1_000_000),
    "a million texts": lambda: _png(
        struct.pack(">IIBBBBB", 32, 24, 8, 2, 0, 0, 0),
        zlib.compress(bytes(24 * 97)),
        chunk(b"tEXt", b"") * 1_000_000,
    ),
}  # fmt: skip
