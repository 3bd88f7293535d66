"""Which way up a picture is, wherever its file says so."""

import re
import zlib

from shared.images.tiff_directory import exif_orientation

MOST_BYTES = 1024 * 1024  # of XMP or a profile in text; a real one has some thousands

_IN_XMP = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\b")
_BLANKS = re.compile(rb"\s+")


def orientation_of(exif: bytes, xmp: bytes = b"") -> int:
    """Return the orientation, 1 to 8: what EXIF says, else what XMP says, else 1."""
    return exif_orientation(exif) or _in_xmp(xmp) or 1


def _in_xmp(xmp: bytes) -> int | None:
    found = _IN_XMP.search(xmp[:MOST_BYTES])
    return int(found[1]) if found else None


def text_of(kind: bytes, body: bytes) -> bytes:
    """Return what a text chunk of a PNG says behind its key; nothing where it is damaged or far too long."""
    _, _, rest = body.partition(b"\0")
    packed = kind == b"zTXt"
    if packed:
        rest = rest[1:]
    elif kind == b"iTXt":
        packed = rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return _unpacked(rest) if packed else rest[:MOST_BYTES]


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, MOST_BYTES)
    except zlib.error:
        return b""
    return b"" if unpacker.unconsumed_tail else text


def raw_profile(text: bytes) -> bytes:
    """Return the bytes of what ImageMagick calls a raw profile: a name, a length, and hexadecimal digits."""
    words = _BLANKS.split(text.strip(), 2)
    try:
        return bytes.fromhex(words[2].decode("ascii")) if len(words) == 3 else b""
    except ValueError:
        return b""
