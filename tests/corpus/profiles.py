"""Color profiles made from their few numbers: those that cameras, phones and programs put into pictures."""

import struct

from PIL import ImageCms

# Red, green and blue in XYZ under D50, as the profiles of these spaces state them.
_ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
_DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
_PRO_PHOTO = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491))
_D50 = (0.9642, 1.0, 0.82491)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(79)
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0none\0\0\0\0", b"wtpt": _xyz(_D50), **tags}
    offset, table, body = 132 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        table += name + struct.pack(">II", offset + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    header = struct.pack(">I4sI4s4s4s", offset + len(body), b"none", 0x02400000, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + b"".join(map(_fixed, _D50))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _colored(primaries: tuple[tuple[float, float, float], ...], gamma: float) -> bytes:
    points = {bytes([name]) + b"XYZ": _xyz(point) for name, point in zip(b"rgb", primaries, strict=True)}
    return _profile(b"RGB ", points | {bytes([name]) + b"TRC": _curve(gamma) for name in b"rgb"})


COLORED = {
    "srgb": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    "adobe": _colored(_ADOBE, 2.2),
    "p3": _colored(_DISPLAY_P3, 2.2),
    "prophoto": _colored(_PRO_PHOTO, 1.8),
}
GREY = {
    "grey18": _profile(b"GRAY", {b"kTRC": _curve(1.8)}),
    "grey22": _profile(b"GRAY", {b"kTRC": _curve(2.2)}),
}
