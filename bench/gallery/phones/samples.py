"""Sixty files as phones and cameras write them, all of one photo; what cannot be made here is skipped."""

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from bench.gallery.phones import scene
from bench.gallery.sheets import encoded
from shared.images.heif.boxes import box

try:
    import pillow_heif

    from tests.support.images import grids, phones
except ImportError:  # of the extra `dev`
    pillow_heif = None

NO_HEIC = "pillow-heif is not installed: pip install pillow-heif"
_LOSSY, _COARSE = 3.0, 9.0  # mean levels by which a file may differ from the photo


@dataclass(frozen=True, slots=True)
class Sample:
    """One file, or why it is not there."""

    name: str
    data: bytes = b""
    tolerance: float = _LOSSY  # mean levels
    missing: str = ""


def sample(name: str) -> Sample:
    """Make one."""
    make, tolerance = _MAKERS[name]
    if pillow_heif is None and name.startswith(("HEIC", "AVIF")):
        return Sample(name, missing=NO_HEIC)
    return Sample(name, make(), tolerance)


def _jpeg(image: Image.Image | None = None, **options: Any) -> bytes:
    return encoded(image or scene.photo(), "JPEG", **{"quality": 95, "subsampling": 0, **options})


def _in_profile(form: str, name: str) -> bytes:
    image, profile = scene.eight_bits(scene.in_space(name)), scene.PROFILES[name]
    if form in ("heic", "avif"):
        return phones.still(image, form, icc_profile=profile)
    exact = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
    return encoded(image, form, icc_profile=profile, **exact.get(form, {}))


def _turned(form: str, number: int) -> bytes:
    image, exif = scene.turned(number), scene.orientation(number)
    if form in ("heic", "avif"):
        return phones.still(image, form, exif=exif)
    exact = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
    if form == "TIFF":
        return encoded(image, form, tiffinfo={274: number})
    return encoded(image, form, exif=exif, **exact.get(form, {}))


def _turned_by_xmp() -> bytes:
    packet = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    return _jpeg(scene.turned(6), xmp=packet.encode())


def _grey() -> Image.Image:
    return scene.photo().convert("L")


def _with_gain_map() -> bytes:
    """Return a JPEG as Ultra HDR has it: a second, smaller picture follows, which a directory (MPF) names."""
    small = _grey().resize((60, 45))
    return encoded(scene.photo(), "MPO", save_all=True, append_images=[small.convert("RGB")], quality=95)


def _film() -> bytes:
    return box(b"ftyp", b"mp42\0\0\0\0isom") + box(b"mdat", bytes(4000))


def _motion_heic() -> bytes:
    return phones.still(scene.photo()) + box(b"mpvd", _film())


def _png16(name: str = "", **_: Any) -> bytes:
    numbers = scene.in_space(name) if name else np.asarray(scene.photo()) / 255.0
    rows = scene.sixteen_bits(numbers).astype(">u2")
    packed = b"".join(b"\0" + row.tobytes() for row in rows)
    parts = [_chunk(b"IHDR", struct.pack(">IIBBBBB", *scene.SIZE, 16, 2, 0, 0, 0))]
    parts += [_chunk(b"iCCP", b"p\0\0" + zlib.compress(scene.PROFILES[name]))] if name else []
    parts += [_chunk(b"IDAT", zlib.compress(packed)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _tiff16(name: str, order: str) -> bytes:
    import tifffile

    buffer = io.BytesIO()
    samples = scene.sixteen_bits(scene.in_space(name))
    tifffile.imwrite(buffer, samples, byteorder=order, photometric="rgb", iccprofile=scene.PROFILES[name])
    return buffer.getvalue()


def _lab() -> bytes:
    spaces = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.applyTransform(scene.photo(), ImageCms.buildTransform(*spaces, "RGB", "LAB"))
    assert image is not None
    return encoded(image, "TIFF")


def _with_alpha(form: str) -> bytes:
    image = scene.photo().copy()
    image.putalpha(Image.new("L", scene.SIZE, 255))
    image.putpixel((0, 0), (0, 0, 0, 0))
    if form in ("heic", "avif"):
        return phones.still(image, form)
    return encoded(image, form, **({"lossless": True} if form == "WEBP" else {}))


def _deep(numbers: scene.Floats, primaries: int, transfer: int) -> bytes:
    """Return a HEIC of 10 bits that names its colors by numbers."""
    samples = scene.sixteen_bits(numbers)
    image = pillow_heif.from_bytes("RGB;16", scene.SIZE, samples.tobytes())
    buffer = io.BytesIO()
    codes = {"color_primaries": primaries, "transfer_characteristics": transfer}
    image.save(buffer, quality=95, chroma=444, **codes)
    return buffer.getvalue()


def _numbered(numbers: scene.Floats, primaries: int, transfer: int) -> bytes:
    codes = {"color_primaries": primaries, "transfer_characteristics": transfer}
    return phones.still(scene.eight_bits(numbers), "heic", **codes)


def _tiled(form: str, quarters: int = 0) -> bytes:
    image = scene.turned({0: 1, 1: 8, 3: 6}[quarters])
    return grids.tiled(form, image, 64, *([(b"irot", bytes([quarters]))] if quarters else []))


def _cut() -> bytes:
    """Return a HEIC of which a border is cut off, as encoders do that work in blocks."""
    padded = Image.new("RGB", (scene.SIZE[0] + 16, scene.SIZE[1] + 12), "red")
    padded.paste(scene.photo())
    cut = struct.pack(">IIIIiIiI", scene.SIZE[0], 1, scene.SIZE[1], 1, -8, 1, -6, 1)
    return grids.tiled("heic", padded, 64, (b"clap", cut))


def _several() -> bytes:
    """Return a HEIC of three pictures, of which the second one is the picture."""
    others = [Image.new("RGB", scene.SIZE, color) for color in ("red", "lime")]
    file = pillow_heif.from_pillow(others[0])
    file.add_from_pillow(scene.photo())
    file.add_from_pillow(others[1])
    buffer = io.BytesIO()
    file.save(buffer, quality=95, chroma=444, primary_index=1)
    return buffer.getvalue()


def _sequence(*, has_still: bool) -> bytes:
    pages = [scene.photo(), Image.new("RGB", scene.SIZE, "red")]
    data = phones.still(pages[0], "avif", save_all=True, append_images=pages[1:])
    if has_still:
        return data
    parts = phones.pieces(data)
    return b"".join(whole[:4] + b"free" + whole[8:] if kind == b"meta" else whole for kind, whole in parts)


def _still(form: str, **options: Any) -> bytes:
    return phones.still(scene.photo(), form, **options)


_Maker = tuple[Callable[[], bytes], float]
_MAKERS: Mapping[str, _Maker] = {
    **{f"JPEG, orientation {n}": (partial(_turned, "JPEG", n), _LOSSY) for n in range(1, 9)},
    "JPEG, orientation in XMP": (_turned_by_xmp, _LOSSY),
    "JPEG, progressive, 4:2:0": (partial(_jpeg, progressive=True, subsampling=2), _COARSE),
    **{f"JPEG, {name}": (partial(_in_profile, "JPEG", name), _LOSSY)
       for name in ("Display P3", "Adobe RGB", "ProPhoto RGB")},
    "JPEG, CMYK": (lambda: _jpeg(scene.photo().convert("CMYK")), _LOSSY),
    "JPEG, gain map behind it": (_with_gain_map, _COARSE),
    "JPEG, film behind it": (lambda: _jpeg() + _film(), _LOSSY),
    **{f"HEIC, turned {n}": (partial(_turned, "heic", n), _LOSSY) for n in range(1, 9)},
    "HEIC, 4:2:0": (partial(_still, "heic", chroma=420), _COARSE),
    "HEIC, Display P3": (partial(_in_profile, "heic", "Display P3"), _LOSSY),
    "HEIC, P3 by numbers": (lambda: _numbered(scene.in_space("Display P3"), 12, 13), _LOSSY),
    "HEIC, 10 bits, P3": (lambda: _deep(scene.in_space("Display P3"), 12, 13), _LOSSY),
    "HEIC, 10 bits, HDR by PQ": (lambda: _deep(scene.in_pq(), 9, 16), _LOSSY),
    "HEIC, 10 bits, HDR by HLG": (lambda: _deep(scene.in_hlg(), 9, 18), _LOSSY),
    "HEIC, tiles": (partial(_tiled, "heic"), _LOSSY),
    "HEIC, tiles, turned": (partial(_tiled, "heic", 3), _LOSSY),
    "HEIC, tiles, turned back": (partial(_tiled, "heic", 1), _LOSSY),
    "HEIC, cut": (_cut, _LOSSY),
    "HEIC, thumbnail": (partial(_still, "heic", thumbnails=[64]), _LOSSY),
    "HEIC, three pictures": (_several, _LOSSY),
    "HEIC, film inside": (_motion_heic, _LOSSY),
    "HEIC, alpha": (partial(_with_alpha, "heic"), _LOSSY),
    **{f"AVIF, turned {n}": (partial(_turned, "avif", n), _LOSSY) for n in (1, 3, 6, 7, 8)},
    "AVIF, 4:2:0": (partial(_still, "avif", subsampling="4:2:0"), _COARSE),
    "AVIF, Display P3": (partial(_in_profile, "avif", "Display P3"), _LOSSY),
    "AVIF, tiles": (partial(_tiled, "avif"), _LOSSY),
    "AVIF, alpha": (partial(_with_alpha, "avif"), _LOSSY),
    "AVIF, sequence": (partial(_sequence, has_still=True), _LOSSY),
    "AVIF, film alone": (partial(_sequence, has_still=False), _LOSSY),
    "PNG, 16 bits": (_png16, 1.0),
    **{f"PNG, 16 bits, {name}": (partial(_png16, name), 1.0)
       for name in ("Display P3", "ProPhoto RGB", "linear P3", "BT.2020")},
    "PNG, orientation 6": (partial(_turned, "PNG", 6), 1.0),
    "TIFF, 16 bits, ProPhoto": (partial(_tiff16, "ProPhoto RGB", "<"), 1.0),
    "TIFF, 16 bits, big end": (partial(_tiff16, "Display P3", ">"), 1.0),
    "TIFF, CIELAB": (_lab, 2.0),
    "TIFF, CMYK": (lambda: encoded(scene.photo().convert("CMYK"), "TIFF"), 1.0),
    "TIFF, orientation 8": (partial(_turned, "TIFF", 8), 1.0),
    "WebP, Display P3": (partial(_in_profile, "WEBP", "Display P3"), 2.0),
    "WebP, orientation 5": (partial(_turned, "WEBP", 5), 1.0),
    "WebP, alpha": (partial(_with_alpha, "WEBP"), 1.0),
}  # fmt: skip
NAMES = tuple(_MAKERS)  # in the order of the sheet
