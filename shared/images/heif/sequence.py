"""The first frame of a HEIC or AVIF file that has a film and no still picture, as its only item."""

import struct
from collections.abc import Iterator

from shared.images.heif.boxes import Fields, boxes, full_box
from shared.images.heif.items import Item, Items, Property
from shared.images.structure import Budget, Unreadable

_ENTRY_BYTES = 78  # of a visual sample entry, before its boxes
_PATH = (b"trak", b"mdia", b"minf", b"stbl")


def first_sample(data: memoryview, moov: memoryview, budget: Budget) -> Items:
    """Return items with one alone: the first frame of the first track of pictures."""
    for table in _tables(moov, _PATH, budget):
        found = dict(boxes(table, budget))
        entry = next(boxes(found.get(b"stsd", memoryview(b""))[8:], budget), None)
        if entry and entry[0] in (b"hvc1", b"av01"):
            item = Item(entry[0], _described(entry[1], budget), extents=[_place(found)])
            return Items(data, budget, primary=1, by_id={1: item})
    raise Unreadable("it has no picture")


def _tables(view: memoryview, path: tuple[bytes, ...], budget: Budget) -> Iterator[memoryview]:
    for kind, body in boxes(view, budget):
        if kind == path[0]:
            if len(path) == 1:
                yield body
            else:
                yield from _tables(body, path[1:], budget)


def _described(entry: memoryview, budget: Budget) -> list[Property]:
    width, height = struct.unpack_from(">HH", entry, 24)
    size = full_box(b"ispe", 0, 0, struct.pack(">II", width, height))
    listed = [Property(*each) for each in boxes(entry[_ENTRY_BYTES:], budget)]
    return [Property(b"ispe", memoryview(size)[8:]), *listed]


def _place(table: dict[bytes, memoryview]) -> tuple[int, int]:
    """Return offset and length of the first sample."""
    sizes = Fields(table.get(b"stsz", memoryview(b"")))
    sizes.version()
    length = sizes.number(4) or (sizes.number(4), sizes.number(4))[1]
    wide = b"co64" in table
    chunks = Fields(table.get(b"co64" if wide else b"stco", memoryview(b"")))
    chunks.version()
    chunks.number(4)
    return chunks.number(8 if wide else 4), length
