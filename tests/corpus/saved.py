"""JPEG, WebP, GIF, BMP and TIFF files that Pillow and tifffile write, in every mode and orientation."""

import struct
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from itertools import product
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from tests.corpus.case import Case, Pixels, rgba, turned
from tests.corpus.profiles import COLORED, GREY

_SIZES = ((16, 16), (17, 23), (64, 48), (131, 67))
_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><tiff:Orientation>%d</tiff:Orientation></x:xmpmeta>'


def _save(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def _image(mode: str, size: tuple[int, int], seed: int, orientation: int = 1) -> Image.Image:
    whole = Image.fromarray(turned(rgba(*size, seed), orientation))
    if mode in ("RGBA", "LA"):
        return whole.convert(mode)
    flat = whole.convert("RGB")
    return flat.quantize(32) if mode == "P" else flat.convert(mode)


def _exif(orientation: int, kind: int = 3, order: str = "<") -> bytes:
    value = {1: struct.pack("B3x", orientation), 3: struct.pack(f"{order}H2x", orientation)}.get(kind)
    value = value or struct.pack(f"{order}I", orientation)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return b"Exif\0\0" + magic + struct.pack(f"{order}IHHHI", 8, 1, 0x0112, kind, 1) + value + bytes(4)


def _file(format: str, mode: str, size: tuple[int, int], seed: int, orientation: int, options: Any) -> bytes:
    return _save(_image(mode, size, seed, orientation), format, **options)


def _case(
    name: str,
    format: str,
    mode: str,
    size: tuple[int, int],
    orientation: int = 1,
    seed: int = 0,
    **options: Any,
) -> Case:
    label = f"{format} {mode} {size[0]}x{size[1]} {name}"
    return Case(label, partial(_file, format, mode, size, seed, orientation, options))


def saved_cases() -> Iterator[Case]:
    """Yield all of them."""
    yield from _jpegs()
    yield from _webps()
    yield from _gifs()
    yield from _bmps()
    yield from _tiffs()
    yield from _scientific_tiffs()


def _jpegs() -> Iterator[Case]:
    seed = 0
    for mode, size, quality, progressive in product(
        ("L", "RGB", "CMYK"), _SIZES, (30, 75, 95), (False, True)
    ):
        for subsampling in (0, 1, 2) if mode == "RGB" else (0,):
            seed += 1
            name = f"quality {quality} progressive={progressive} subsampling {subsampling}"
            options = {"quality": quality, "progressive": progressive, "subsampling": subsampling}
            yield _case(name, "jpeg", mode, size, seed=seed, **options)
    yield from _turned_jpegs()
    for name, profile in COLORED.items():
        for size in _SIZES:
            yield _case(f"profile {name}", "jpeg", "RGB", size, icc_profile=profile)
    for name, profile in GREY.items():
        yield _case(f"profile {name}", "jpeg", "L", (64, 48), icc_profile=profile)
    yield from _ordered_jpegs()


def _turned_jpegs() -> Iterator[Case]:
    for mode, orientation, order in product(("L", "RGB", "CMYK"), range(1, 9), "<>"):
        name, exif = f"orientation {orientation}{order}", _exif(orientation, order=order)
        yield _case(name, "jpeg", mode, (64, 48), orientation, exif=exif)
    for profile, orientation in product(("srgb", "p3"), range(1, 9)):
        more = {"exif": _exif(orientation), "icc_profile": COLORED[profile]}
        name = f"orientation {orientation} profile {profile}"
        yield _case(name, "jpeg", "RGB", (64, 48), orientation, **more)
    for orientation in range(1, 9):
        xmp, long = _XMP % orientation, _exif(orientation, kind=4)
        yield _case(f"xmp orientation {orientation}", "jpeg", "RGB", (64, 48), orientation, xmp=xmp)
        yield _case(f"long orientation {orientation}", "jpeg", "RGB", (64, 48), orientation, exif=long)


def _ordered_jpegs() -> Iterator[Case]:
    """Yield the segments before the picture in many orders, profiles in several segments among them."""
    segment = lambda marker, body: struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body  # noqa: E731
    profile = COLORED["adobe"] + bytes(500)
    halves = [profile[:300], profile[300:]]
    parts = {
        "exif": segment(0xE1, _exif(6)),
        "xmp": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + _XMP % 1),
        "icc1": segment(0xE2, b"ICC_PROFILE\0\1\2" + halves[0]),
        "icc2": segment(0xE2, b"ICC_PROFILE\0\2\2" + halves[1]),
        "comment": segment(0xFE, b"a comment"),
        "ducky": segment(0xEC, b"Ducky\0\1\0\4\0\0\0\x3c"),
        "photoshop": segment(0xED, b"Photoshop 3.0\x008BIM\4\4\0\0\0\0\0\0"),
        "fill": b"\xff" * 5,
    }
    whole = _save(_image("RGB", (64, 48), 3, 6), "jpeg", quality=90)
    jfif_end = 4 + int.from_bytes(whole[4:6], "big")
    random = np.random.default_rng(1)
    for number in range(260):
        order = list(random.permutation(list(parts)))
        chosen = b"".join(parts[name] for name in order if random.random() < 0.7)
        jfif = (whole[2:jfif_end] + chosen, chosen + whole[2:jfif_end], chosen)[number % 3]
        data = whole[:2] + jfif + whole[jfif_end:]
        yield Case(f"jpeg segments {number}", partial(bytes, data))


def _webps() -> Iterator[Case]:
    for mode, size, lossless, seed in product(("RGB", "RGBA"), _SIZES, (False, True), range(3)):
        options = {"lossless": lossless, "exact": seed == 1, "quality": 40 + 20 * seed}
        yield _case(f"lossless={lossless} {seed}", "webp", mode, size, seed=seed, **options)
    for mode, orientation, profile in product(("RGB", "RGBA"), range(1, 9), ("", "srgb", "p3")):
        more: dict[str, Any] = {"icc_profile": COLORED[profile]} if profile else {}
        exif = _exif(orientation)
        yield _case(
            f"orientation {orientation} profile {profile}",
            "webp",
            mode,
            (64, 48),
            orientation,
            exif=exif,
            **more,
        )
    for name, profile_bytes in COLORED.items():
        yield _case(f"profile {name}", "webp", "RGB", (131, 67), icc_profile=profile_bytes)
    for orientation in range(1, 9):
        xmp = _XMP % orientation
        yield _case(f"xmp orientation {orientation}", "webp", "RGB", (64, 48), orientation, xmp=xmp)
    for count, lossless in product((2, 5), (False, True)):
        yield Case(
            f"webp {count} frames lossless={lossless}", partial(_film, "webp", count, lossless=lossless)
        )


def _film(format: str, count: int, **options: Any) -> bytes:
    frames = [Image.fromarray(rgba(33, 21, seed)) for seed in range(count)]
    return _save(frames[0], format, save_all=True, append_images=frames[1:], **options)


def _gifs() -> Iterator[Case]:
    for colors, size, interlace, seed in product((2, 4, 16, 256), _SIZES, (0, 1), range(2)):
        name = f"gif {colors} colors {size[0]}x{size[1]} interlace {interlace} {seed}"
        yield Case(name, partial(_gif, colors, size, interlace, seed))
    for seed in range(8):
        yield Case(f"gif transparent {seed}", partial(_clear_gif, seed))
        yield Case(f"gif grey {seed}", partial(_file, "gif", "L", (33, 21), seed, 1, {}))
        yield Case(f"gif {2 + seed} frames", partial(_film, "gif", 2 + seed, duration=50, disposal=seed % 3))
        make = partial(_small_frame, seed)
        yield Case(f"gif small frame {seed}", make, partial(_small_frame_shown, seed), "gif screen")


def _gif(colors: int, size: tuple[int, int], interlace: int, seed: int) -> bytes:
    return _save(_image("RGB", size, seed).quantize(colors), "gif", interlace=interlace)


def _clear_gif(seed: int) -> bytes:
    return _save(Image.fromarray(rgba(33, 21, seed)), "gif")


def _small_frame(seed: int) -> bytes:
    data = bytearray(_save(_grey(seed), "gif", optimize=False))
    data[6:10] = struct.pack("<HH", 33 + seed, 40)
    return bytes(data)


def _grey(seed: int) -> Image.Image:
    return _image("L", (33, 21), seed)


def _small_frame_shown(seed: int) -> Pixels:
    shown = np.zeros((40, 33 + seed, 4), np.uint8)
    shown[:21, :33] = np.asarray(_grey(seed).convert("RGBA"))
    return shown


def _bmps() -> Iterator[Case]:
    for mode, size, seed in product(("1", "L", "P", "RGB", "RGBA"), _SIZES, range(2)):
        yield _case(f"{seed}", "bmp", mode, size, seed=seed)
    for seed, depth in product(range(3), (16, 24, 32)):
        yield Case(f"bmp top down {depth} {seed}", partial(_top_down, depth, seed))


def _top_down(depth: int, seed: int) -> bytes:
    """Return a BMP whose first row is the upper one; 16 bits hold 5 a color."""
    pixels = rgba(24, 16, seed)[:, :, 2::-1]
    if depth == 16:
        blue, green, red = (pixels[:, :, i].astype("<u2") >> 3 for i in range(3))
        rows = (red << 10 | green << 5 | blue).tobytes()
    else:
        extra = np.zeros((16, 24, depth // 8 - 3), np.uint8)
        rows = np.dstack([pixels, extra]).tobytes()
    header = struct.pack("<IiiHHIIiiII", 40, 24, -16, 1, depth, 0, len(rows), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) + header + rows


def _tiffs() -> Iterator[Case]:
    packed = (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd")
    for mode, way, size in product(
        ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"), packed, _SIZES[1:3]
    ):
        if not (mode == "YCbCr" and way is not None):
            yield _case(f"{way}", "tiff", mode, size, compression=way)
    yield from (_case("group4", "tiff", "1", size, compression="group4") for size in _SIZES)
    yield from (_case("jpeg", "tiff", mode, (64, 48), compression="jpeg") for mode in ("L", "RGB"))
    for mode, orientation, way in product(("L", "RGB", "RGBA", "CMYK"), range(1, 9), (None, "tiff_lzw")):
        more = {"tiffinfo": {0x0112: orientation}, "compression": way}
        yield _case(f"orientation {orientation} {way}", "tiff", mode, (64, 48), orientation, **more)
    for orientation in range(1, 9):
        info = {700: _XMP % orientation}
        yield _case(f"xmp orientation {orientation}", "tiff", "RGB", (64, 48), orientation, tiffinfo=info)
    for name, profile in COLORED.items():
        yield _case(f"profile {name}", "tiff", "RGB", (64, 48), icc_profile=profile)
        yield _case(f"profile {name}", "tiff", "RGBA", (64, 48), icc_profile=profile)
    for count in (2, 3):
        yield Case(f"tiff {count} pages", partial(_film, "tiff", count))


def _scientific_tiffs() -> Iterator[Case]:
    """Yield what tifffile writes: both byte orders, BigTIFF, tiles, planes, predictors, 16 bits."""
    ways: list[dict[str, Any]] = [{}, {"tile": (16, 16)}, {"rowsperstrip": 3}]
    ways += [{"compression": "zlib"}, {"compression": "zlib", "predictor": True, "tile": (32, 16)}]
    for order, big, kind, number in product(
        "<>", (False, True), ("L", "RGB", "RGBA", "16"), range(len(ways))
    ):
        make = partial(_scientific, order, big, kind, ways[number])
        truth = partial(_scientific_shown, kind) if kind == "16" else None
        if kind != "16" and (order, big) == (">", True):
            truth = partial(_scientific_shown, kind)
        exception = "16-bit grey" if kind == "16" else "big-endian BigTIFF" if truth else ""
        yield Case(f"tiff {order} big={big} {kind} way {number}", make, truth, exception)


def _scientific(order: str, big: bool, kind: str, way: dict[str, Any]) -> bytes:
    pixels = _scientific_shown(kind)
    samples: Pixels = {"L": pixels[:, :, 0], "RGB": pixels[:, :, :3], "RGBA": pixels}.get(
        kind, pixels[:, :, 0]
    )
    if kind == "16":
        samples = samples.astype(np.uint16) * 257
    photometric = "rgb" if kind.startswith("RGB") else "minisblack"
    extra = {"extrasamples": ["unassalpha"]} if kind == "RGBA" else {}
    buffer = BytesIO()
    with tifffile.TiffWriter(buffer, byteorder=order, bigtiff=big) as file:
        file.write(np.ascontiguousarray(samples), photometric=photometric, metadata=None, **extra, **way)
    return buffer.getvalue()


def _scientific_shown(kind: str) -> Pixels:
    pixels = rgba(48, 32, 4).copy()
    if kind in ("L", "16"):
        pixels[:, :, :3] = pixels[:, :, 1:2]
    if kind != "RGBA":
        pixels[:, :, 3] = 255
    return pixels
