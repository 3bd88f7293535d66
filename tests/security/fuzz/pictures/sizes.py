"""Write absurd sizes into sound files, where each format has them."""

import re
import struct
from collections.abc import Callable

from tests.security.fuzz.pictures.parts import join, split

Size = tuple[int, int]  # width, height


def with_size(image_format: str, data: bytes, size: Size) -> bytes:
    """Return a file that claims another size, at each place where it says one; sums fit."""
    return _WRITERS[image_format](data, size)


def _png(data: bytes, size: Size) -> bytes:
    header, *rest = split("png", data)
    return join("png", [header[:4] + _packed(">II", size) + header[12:], *rest])


def _packed(form: str, size: Size) -> bytes:
    bits = struct.calcsize(form) * 4
    return struct.pack(form, *(side & (1 << bits) - 1 for side in size))


def _jpeg(data: bytes, size: Size) -> bytes:
    return re.sub(
        rb"(\xff[\xc0\xc1\xc2]..\x08).{4}",
        lambda found: found[1] + _packed(">HH", size[::-1]),
        data,
        count=1,
        flags=re.DOTALL,
    )


def _gif(data: bytes, size: Size) -> bytes:
    head, *rest = split("gif", data)
    images = [part[:5] + _packed("<HH", size) + part[9:] if part[:1] == b"," else part for part in rest]
    return join("gif", [head[:6] + _packed("<HH", size) + head[10:], *images])


def _webp(data: bytes, size: Size) -> bytes:
    return join("webp", [_webp_part(part, size) for part in split("webp", data)])


def _webp_part(part: bytes, size: Size) -> bytes:
    width, height = size
    if part[:4] == b"VP8X":
        sides = [struct.pack("<I", side - 1 & 0xFFFFFF)[:3] for side in size]
        return part[:8] + b"".join(sides) + part[14:]
    if part[:4] == b"VP8 ":
        return part[:10] + struct.pack("<HH", width & 0x3FFF, height & 0x3FFF) + part[14:]
    if part[:4] == b"VP8L":
        bits = (width - 1 & 0x3FFF) | (height - 1 & 0x3FFF) << 14 | part[8] >> 4 << 28
        return part[:5] + struct.pack("<I", bits & 0xFFFFFFFF) + part[9:]
    return part


def _bmp(data: bytes, size: Size) -> bytes:
    return data[:18] + _packed("<II", size) + data[26:]


def _tiff(data: bytes, size: Size) -> bytes:
    order = "<" if data[:2] == b"II" else ">"
    parts = split("tiff", data)
    for number, side in enumerate(size):
        head = struct.pack(f"{order}H", 256 + number)
        tag = head + struct.pack(f"{order}HII", 4, 1, side & 0xFFFFFFFF)
        parts = [tag if part[:2] == head and len(part) == 12 else part for part in parts]
    return join("tiff", parts)


def _heif(data: bytes, size: Size) -> bytes:
    return re.sub(rb"(ispe\0{4}).{8}", lambda found: found[1] + _packed(">II", size), data, flags=re.DOTALL)


_WRITERS: dict[str, Callable[[bytes, Size], bytes]] = {
    "png": _png, "jpeg": _jpeg, "gif": _gif, "webp": _webp, "bmp": _bmp, "tiff": _tiff,
    "heic": _heif, "avif": _heif,
}  # fmt: skip
