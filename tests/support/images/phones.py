"""HEIC and AVIF files as phones and their programs write them, and their boxes taken apart."""

import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pillow_heif
from PIL import Image

from shared.images.heif.boxes import box
from tests.support.images import pictures

pillow_heif.register_heif_opener()

_FINE: dict[str, dict[str, Any]] = {  # and fast
    "heic": {"quality": 95, "chroma": 444, "enc_params": {"preset": "ultrafast"}},
    "avif": {"quality": 95, "subsampling": "4:4:4", "speed": 9},
}


def still(image: Image.Image, format: str = "heic", **options: Any) -> bytes:
    """Return the file that an encoder writes; orientation in `exif` becomes boxes that turn."""
    buffer = BytesIO()
    image.save(buffer, {"heic": "HEIF", "avif": "AVIF"}[format], **{**_FINE[format], **options})
    return buffer.getvalue()


def photo(format: str = "heic", width: int = 160, height: int = 120, **options: Any) -> bytes:
    """Return the gradient."""
    return still(Image.fromarray(pictures.gradient(width, height)), format, **options)


def oriented(orientation: int, format: str, width: int = 160, height: int = 120) -> bytes:
    """Return a file that is turned, when shown, into `gradient(width, height)`."""
    stored = Image.open(BytesIO(pictures.oriented(orientation, "png", width, height)))
    return still(stored, format, exif=stored.getexif().tobytes())


def with_alpha(format: str, width: int = 160, height: int = 120) -> bytes:
    """Return the gradient, whose alpha is its green plane."""
    image = Image.fromarray(pictures.gradient(width, height))
    image.putalpha(image.getchannel("G"))
    return still(image, format)


def edited(data: bytes, path: tuple[bytes, ...], change: Callable[[bytes], bytes]) -> bytes:
    """Return a file in which the first box at a path is replaced; the places of all pixels still fit.

    `change` gets a box with its head and returns what stands in its place. Places (`iloc`) are moved by what
    `meta` grows: they must have four bytes each and lie behind `meta`.
    """
    before = len(_top(data)[b"meta"])
    changed = _edited(data, path, change)
    moved = 0 if path[-1] == b"iloc" else len(_top(changed)[b"meta"]) - before
    return _edited(changed, (b"meta", b"iloc"), lambda old: _moved(old, moved)) if moved else changed


def _top(data: bytes) -> dict[bytes, bytes]:
    return dict(pieces(data))


def pieces(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return kinds of boxes side by side, each with the whole box."""
    found, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at : at + size]))
        at += size
    return found


def _edited(data: bytes, path: tuple[bytes, ...], change: Callable[[bytes], bytes]) -> bytes:
    parts, is_done = [], False
    for kind, whole in pieces(data):
        if kind == path[0] and not is_done:
            is_done = True
            whole = change(whole) if len(path) == 1 else _inside(whole, path[1:], change)
        parts.append(whole)
    assert is_done, path
    return b"".join(parts)


def _inside(whole: bytes, path: tuple[bytes, ...], change: Callable[[bytes], bytes]) -> bytes:
    head = {b"meta": 12, b"iref": 12, b"iinf": 14}.get(whole[4:8], 8)
    return box(whole[4:8], whole[8:head], _edited(whole[head:], path, change))


def _moved(old: bytes, distance: int) -> bytes:
    """Return an `iloc` of version 0 or 1 whose extents lie elsewhere."""
    assert old[12] == 0x44, "offsets of four bytes"
    assert old[8] in (0, 1)
    new, at = bytearray(old), 16
    base = old[13] >> 4
    for _ in range(struct.unpack_from(">H", old, 14)[0]):
        at += 2
        is_inside = False
        if old[8] == 1:
            is_inside, at = old[at + 1] & 15 == 1, at + 2
        at += 2
        if base:  # the distance is added to what all extents share
            assert base == 4
            struct.pack_into(">I", new, at, struct.unpack_from(">I", old, at)[0] + distance * (not is_inside))
        at += base
        (extents,) = struct.unpack_from(">H", old, at)
        at += 2
        for _ in range(extents):
            if not (is_inside or base):
                struct.pack_into(">I", new, at, struct.unpack_from(">I", old, at)[0] + distance)
            at += 8
    return bytes(new)
