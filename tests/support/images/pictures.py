"""Build small image files as bytes, ordinary and awkward ones, so that no test needs a file on disk."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms


def gradient(width: int = 32, height: int = 24) -> NDArray[np.uint8]:
    """Return smooth RGB pixels, (height, width, 3), with no two corners alike."""
    x = np.linspace(0, 255, width)[None, :]
    y = np.linspace(0, 255, height)[:, None]
    planes = (x + 0 * y, y + 0 * x, (x + 255 - y) / 2)
    return np.stack(planes, axis=-1).astype(np.uint8)


def save(image: Image.Image, format: str, **options: Any) -> bytes:
    """Return the file that Pillow writes."""
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def photo(width: int = 640, height: int = 480, format: str = "jpeg", **options: Any) -> bytes:
    """Return a smooth color picture with some grain, about as compressible as a photo."""
    grain = np.random.default_rng(7).normal(0, 6, (height, width, 1))
    pixels = np.clip(gradient(width, height) + grain, 0, 255).astype(np.uint8)
    return save(Image.fromarray(pixels), format, **options)


def png(width: int = 32, height: int = 24) -> bytes:
    return save(Image.fromarray(gradient(width, height)), "png")


def jpeg(width: int = 32, height: int = 24, **options: Any) -> bytes:
    return save(Image.fromarray(gradient(width, height)), "jpeg", **{"quality": 95, **options})


def webp(width: int = 32, height: int = 24, **options: Any) -> bytes:
    return save(Image.fromarray(gradient(width, height)), "webp", **{"lossless": True, **options})


def bmp(width: int = 32, height: int = 24) -> bytes:
    return save(Image.fromarray(gradient(width, height)), "bmp")


def tiff(width: int = 32, height: int = 24, **options: Any) -> bytes:
    return save(Image.fromarray(gradient(width, height)), "tiff", **options)


def gif(frames: int = 1, width: int = 16, height: int = 16) -> bytes:
    """Return a GIF; its frames differ, so that none is merged with the one before."""
    pages = [Image.new("P", (width, height), index % 256) for index in range(frames)]
    for page in pages:
        page.putpalette([value for index in range(256) for value in (index, 255 - index, index // 2)])
    return save(pages[0], "gif", save_all=True, append_images=pages[1:], duration=40, loop=0)


def animated(format: str, frames: int = 3) -> bytes:
    """Return an animated PNG or WebP, or a TIFF of several pages."""
    pages = [Image.fromarray(np.roll(gradient(), index, axis=1)) for index in range(frames)]
    options = {"lossless": True} if format == "webp" else {}
    return save(pages[0], format, save_all=True, append_images=pages[1:], **options)


def oriented(orientation: int, format: str = "jpeg", width: int = 32, height: int = 24) -> bytes:
    """Return a file whose EXIF tag turns the stored pixels into `gradient(width, height)`."""
    upright = gradient(width, height)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    exact: dict[str, dict[str, Any]] = {"jpeg": {"quality": 95, "subsampling": 0}, "webp": {"lossless": True}}
    pixels = Image.fromarray(np.ascontiguousarray(stored))
    return save(pixels, format, exif=exif.tobytes(), **exact.get(format, {}))


def one_bit(format: str = "png") -> bytes:
    """Return black and white stripes, two pixels wide, the first one black."""
    stripes = (np.arange(32) // 2 % 2 == 1)[None, :].repeat(24, axis=0)
    return save(Image.fromarray(stripes), format)


def grey(width: int = 32, height: int = 24, format: str = "png") -> bytes:
    return save(Image.fromarray(gradient(width, height)[:, :, 0]), format)


def with_alpha(format: str = "png", mode: str = "RGBA") -> bytes:
    """Return color or grey (mode L) that becomes more opaque from top to bottom: alpha is the green plane."""
    image = Image.fromarray(gradient()).convert(mode)
    image.putalpha(Image.fromarray(np.ascontiguousarray(gradient()[:, :, 1])))
    return save(image, format, **({"lossless": True, "exact": True} if format == "webp" else {}))


def palette(transparent: bool = True, format: str = "png") -> bytes:
    """Return stripes of red and blue from a palette; the red ones are transparent if asked for."""
    image = Image.fromarray((np.arange(32) // 2 % 2)[None, :].repeat(24, axis=0).astype(np.uint8))
    image.putpalette([255, 0, 0, 0, 0, 255])
    return save(image, format, **({"transparency": 0} if transparent else {}))


def cmyk_jpeg() -> bytes:
    """Return cyan ink at full strength, stored inverted as Adobe does."""
    return save(Image.new("CMYK", (32, 24), (255, 0, 0, 0)), "jpeg", quality=95)


def exchanged_profile() -> bytes:
    """Return an ICC profile that is sRGB but for red and green, which change places."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return srgb.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")


def profiled(color: tuple[int, int, int], format: str = "jpeg", profile: bytes | None = None) -> bytes:
    """Return one plain color with a profile, by default the one with red and green exchanged."""
    image = Image.new("RGB", (32, 24), color)
    return save(image, format, icc_profile=exchanged_profile() if profile is None else profile)


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return one PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def raw_png(samples: NDArray[Any], color_type: int, *, bits: int, extra: bytes = b"") -> bytes:
    """Write a PNG by hand from (h, w) or (h, w, channels) samples; `extra` are chunks before the pixels.

    Samples below 8 bits are packed; `color_type` is 0 for grey, 2 for RGB, 4 for grey and alpha, 6 for RGBA.
    """
    height, width = samples.shape[:2]
    if bits == 16:
        rows = samples.astype(">u2").reshape(height, -1).view(np.uint8)
    else:
        digits = np.unpackbits(samples.astype(np.uint8).reshape(height, -1, 1), axis=2)[:, :, 8 - bits :]
        rows = np.packbits(digits.reshape(height, -1), axis=1)
    pixels = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    return _png_file(width, height, bits, color_type, extra + chunk(b"IDAT", zlib.compress(pixels)))


def _png_file(width: int, height: int, bits: int, color_type: int, chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunks + chunk(b"IEND", b"")


def grey16_png() -> bytes:
    """Return 16-bit grey from black to white, left to right."""
    return raw_png(np.linspace(0, 65535, 32).astype(np.uint16)[None, :].repeat(24, axis=0), 0, bits=16)


def rgb16_png() -> bytes:
    """Return `gradient()` with 16 bits a sample."""
    return raw_png(gradient().astype(np.uint16) * 257, 2, bits=16)


def giant_png(width: int = 30_000, height: int = 30_000) -> bytes:
    """Return a PNG of about 2 kB whose header announces a picture of any size."""
    return _png_file(width, height, 8, 2, chunk(b"IDAT", zlib.compress(bytes(1_500_000))))


def interlaced_png(samples: NDArray[Any]) -> bytes:
    """Return 8-bit grey samples, (h, w), in the seven passes of an interlaced PNG."""
    passes = (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    )
    parts = [samples[row::down, column::across] for column, row, across, down in passes]
    rows = b"".join(b"\0" + row.astype(np.uint8).tobytes() for part in parts for row in part)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *samples.shape[::-1], 8, 0, 0, 0, 1))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def separate_scans(width: int = 32, height: int = 24) -> bytes:
    """Return a JPEG that is not progressive and has one scan for each of three colors."""
    with Image.open(BytesIO(photo(width, height, "png"))) as image:
        planes = [save(plane, "jpeg", quality=90) for plane in image.split()]
    frame, scan = (planes[0].index(marker) for marker in (b"\xff\xc0", b"\xff\xda"))
    components = b"".join(bytes((letter, 0x11, 0)) for letter in b"RGB")
    header = struct.pack(">HBHHB", 17, 8, height, width, 3) + components
    tables = planes[0][planes[0].index(b"\xff\xc4") : scan]
    scans = [
        b"\xff\xda\0\x08\x01" + bytes((letter, 0)) + plane[plane.index(b"\xff\xda") + 7 : -2]
        for letter, plane in zip(b"RGB", planes, strict=True)
    ]
    return planes[0][:frame] + b"\xff\xc0" + header + tables + b"".join(scans) + b"\xff\xd9"


def truncated(data: bytes, share: float = 0.6) -> bytes:
    """Return the first part of a file, as a broken connection leaves it."""
    return data[: int(len(data) * share)]


def broken(width: int = 64, height: int = 64) -> bytes:
    """Return a PNG whose header is good and whose pixels cannot be unpacked: only decoding shows it."""
    return _png_file(width, height, 8, 2, chunk(b"IDAT", b"garbage" * 40))


def tiny(width: int = 1, height: int = 1) -> bytes:
    return png(width, height)


def svg() -> bytes:
    return b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>\n'


def pdf() -> bytes:
    return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"


def text() -> bytes:
    return b"This is no picture, whatever its name says.\n"


def ordinary() -> dict[str, bytes]:
    """Return one undamaged file for every kind that the service reads, by a name for test output."""
    formats = {"png": png(), "jpeg": jpeg(), "webp": webp(), "gif": gif(), "bmp": bmp(), "tiff": tiff()}
    return formats | {
        "progressive jpeg": jpeg(progressive=True),
        "lossy webp": webp(lossless=False),
        "deflated tiff": tiff(compression="tiff_adobe_deflate"),
        "one bit": one_bit(),
        "one bit tiff": one_bit("tiff"),
        "grey": grey(),
        "grey jpeg": grey(format="jpeg"),
        "alpha": with_alpha(),
        "alpha webp": with_alpha("webp"),
        "grey alpha": with_alpha(mode="L"),
        "palette": palette(),
        "palette gif": palette(format="gif"),
        "16-bit grey": grey16_png(),
        "16-bit color": rgb16_png(),
        "cmyk": cmyk_jpeg(),
        "profile": profiled((200, 30, 90)),
        "oriented": oriented(6),
        "oriented png": oriented(8, "png"),
        "oriented tiff": oriented(7, "tiff"),
    }


@st.composite
def damage(draw: st.DrawFn, files: st.SearchStrategy[bytes]) -> bytes:
    """Draw a file with a few bytes overwritten, most of them near the start, and at times its end cut off."""
    data = bytearray(draw(files))
    near = st.integers(0, min(len(data), 200) - 1)
    for _ in range(draw(st.integers(1, 6))):
        data[draw(near | st.integers(0, len(data) - 1))] = draw(
            st.sampled_from([0, 1, 127, 128, 255]) | st.integers(0, 255)
        )
    return bytes(data[: draw(st.just(len(data)) | st.integers(0, len(data)))])
