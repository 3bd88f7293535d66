"""HEIC and AVIF pictures put together of tiles, as phones store them."""

import struct
from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from shared.images.heif.boxes import boxes
from shared.images.heif.items import read_items
from shared.images.heif.rebuilt import Part, rebuilt
from shared.images.structure import parts_of
from tests.support.images import phones

_CONFIG = {"heic": (b"hvc1", b"hvcC"), "avif": (b"av01", b"av1C")}


def coded(data: bytes, format: str) -> Part:
    """Return the coded picture of a file that has one."""
    budget, view = parts_of(data), memoryview(data)
    items = read_items(view, dict(boxes(view, budget))[b"meta"], budget)
    kind, config = _CONFIG[format]
    item = next(item for item in items.by_id.values() if item.kind == kind)
    size = struct.unpack(">II", bytes(item.body_of(b"ispe") or b"")[4:])
    listed = [
        (each.kind, bytes(each.body)) for each in item.properties if each.kind in (config, b"colr", b"pixi")
    ]
    return Part(kind, size, items.bytes_of(item), listed)


def header(rows: int, columns: int, size: tuple[int, int]) -> bytes:
    """Return the content of a grid's item."""
    return struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, *size)


def of_parts(
    format: str,
    tiles: Sequence[Part],
    order: Sequence[int],
    rows: int,
    size: tuple[int, int],
    *more: tuple[bytes, bytes],
) -> bytes:
    """Return a file of tiles; `order` names them from 1 on, `more` are properties of the whole picture."""
    whole = Part(b"grid", size, header(rows, len(order) // rows, size), [*tiles[0].properties[1:], *more])
    whole.reference(b"dimg", *order)
    whole.reference(b"pitm")
    return rebuilt(format, [*tiles, whole])


def tiled(format: str, image: Image.Image, tile: int = 64, *more: tuple[bytes, bytes]) -> bytes:
    """Return a picture cut into square tiles; those at the edges go on in black."""
    columns, rows = (-(-side // tile) for side in image.size)
    cut = [
        image.crop((tile * x, tile * y, tile * (x + 1), tile * (y + 1)))
        for y in range(rows)
        for x in range(columns)
    ]
    parts = [coded(phones.still(each, format), format) for each in cut]
    return of_parts(format, parts, range(1, len(parts) + 1), rows, image.size, *more)


def repeated(format: str, tile: int, rows: int, columns: int) -> bytes:
    """Return one plain tile many times: many pixels of few bytes."""
    part = coded(phones.still(Image.new("RGB", (tile, tile), "teal"), format), format)
    parts = [replace(part, references=[]) for _ in range(rows * columns)]
    return of_parts(format, parts, range(1, len(parts) + 1), rows, (tile * columns, tile * rows))
