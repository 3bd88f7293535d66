"""Walk a WebP file: its frames, and which way up they are. All other parts are left out."""

import struct
from collections.abc import Iterator

from shared.images.exif import orientation_of
from shared.images.structure import MAX_PROFILE, MAX_SKIPPED, Budget, Container, Unreadable, parts_of

_HEADER = 12  # bytes
_PIXELS = (b"VP8 ", b"VP8L")
_NEEDED = (*_PIXELS, b"VP8X", b"ALPH", b"ANIM", b"ANMF")
_LOOKED_AT = frozenset({*_NEEDED, b"EXIF", b"ICCP", b"XMP "})
_CHUNK_HEAD = struct.Struct("<4sI")
_FLAGS_OF_METADATA = 0x20 | 0x08 | 0x04  # color profile, EXIF, XMP: of VP8X


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
