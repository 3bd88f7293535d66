"""The sound files that are mutated, of every format that is read; and metadata that goes into them."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from PIL import Image

from shared.images.formats import SNIFFED, sniff
from shared.images.heif.boxes import box, full_box
from tests.corpus.profiles import COLORED
from tests.support.images import grids, metadata, phones, pictures


@dataclass(frozen=True, slots=True)
class Source:
    """A sound file."""

    name: str
    format: str
    data: bytes


@cache
def sources() -> Sequence[Source]:
    """Return all of them: small ones of every kind, and photos that take as long as photos do."""
    files = pictures.ordinary()
    files |= {f"animated {name}": pictures.animated(name, 5) for name in ("gif", "webp", "png")}
    files |= {
        f"{name} photo": pictures.photo(320, 240, name) for name in ("png", "webp", "tiff", "bmp", "gif")
    }
    files |= {
        "jpeg photo": pictures.photo(),
        "progressive photo": pictures.photo(progressive=True),
        "separate scans": pictures.separate_scans(),
        "restarting jpeg": pictures.photo(320, 240, restart_marker_blocks=4),
        "interlaced": pictures.interlaced_png(pictures.gradient(41, 37)[..., 0]),
        "displaced profile": pictures.profiled((9, 200, 77), "png"),
        "profile webp": pictures.profiled((9, 200, 77), "webp"),
        "profile tiff": pictures.profiled((9, 200, 77), "tiff"),
        "lzw tiff": pictures.tiff(64, 48, compression="tiff_lzw"),
        "jpeg tiff": pictures.tiff(64, 48, compression="jpeg"),
        "packbits tiff": pictures.tiff(64, 48, compression="packbits"),
        "fax tiff": pictures.save(Image.new("1", (64, 48)), "tiff", compression="group4"),
        "grey jpeg photo": pictures.save(opened(pictures.photo()).convert("L"), "jpeg"),
        "palette bmp": pictures.save(opened(pictures.png()).quantize(16), "bmp"),
        **{f"{name} photo": phones.photo(name) for name in ("heic", "avif")},
        **{f"{name} alpha": phones.with_alpha(name) for name in ("heic", "avif")},
        **{f"turned {name}": phones.oriented(6, name) for name in ("heic", "avif")},
        **{f"{name} tiles": grids.tiled(name, opened(pictures.png(100, 80))) for name in ("heic", "avif")},
        **{f"{name} profile": pictures.profiled((1, 2, 3), profile=body) for name, body in COLORED.items()},
    }
    return [Source(name, sniff(data[:SNIFFED]), data) for name, data in files.items()]


def opened(data: bytes) -> Image.Image:
    """Return Pillow's image of a file."""
    return Image.open(BytesIO(data))


@cache
def foreign_parts(image_format: str) -> Sequence[bytes]:
    """Return metadata as parts of a file of a format, damaged, huge or garbage."""
    if image_format == "png":
        return [whole[4:8] + whole[8:-4] for whole in metadata.bad_chunks().values()]
    if image_format == "jpeg":
        return list(metadata.bad_segments().values())
    if image_format == "webp":
        return [whole[:4] + whole[8:] for whole in metadata.bad_riff_chunks().values()]
    if image_format == "gif":
        return [
            b"\x21\xff\x0bNETSCAPE2.0\x03\x01\xff\xff\x00",
            b"\x21\xfe" + b"\xff" * 256 + b"\0",
            b"\x21\xf9\x04\xff\xff\xff\xff\x00",
            b"\x21\x01\x0c" + bytes(13),
            b"\x21\xff\x00",
        ]
    if image_format in ("heic", "avif"):
        return [
            box(b"free"),
            box(b"moov", box(b"trak", bytes(99))),
            full_box(b"meta", 0, 0, box(b"iprp", b"\xff" * 99)),
            struct.pack(">I4s", 0, b"mdat"),
            struct.pack(">I4sQ", 1, b"meta", 2**63) + bytes(8),
        ]
    return [bytes(12), b"\xff" * 12, b"\x01\x01\x04\0\xff\xff\xff\xff\x08\0\0\0"]
