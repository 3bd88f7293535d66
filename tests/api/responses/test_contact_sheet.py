"""Contact sheets."""

import io
from pathlib import Path

from PIL import Image

from api.responses.sheets.contact_sheet import EMPTY, GAP, PAPER, SheetEntry, SheetLayout, contact_sheet
from shared.storage.base import ObjectStore
from tests.support.images.pictures import png


def sheet(
    entries: list[SheetEntry], objects: ObjectStore, *, columns: int = 2, side: int = 32
) -> Image.Image:
    return Image.open(io.BytesIO(contact_sheet(entries, SheetLayout(columns, side, "png"), objects)))


def stored(objects: ObjectStore, key: str, data: bytes, *, pixels: int = 100) -> SheetEntry:
    objects.put(key, data)
    return SheetEntry(key, key, pixels, len(data))


def solid(color: tuple[int, ...], size: tuple[int, int], mode: str = "RGB", kind: str = "PNG") -> bytes:
    data = io.BytesIO()
    Image.new(mode, size, color).save(data, kind)
    return data.getvalue()


def test_pictures_stand_in_rows_at_their_own_shape(objects: ObjectStore) -> None:
    red, blue = solid((255, 0, 0), (64, 64)), solid((0, 0, 255), (64, 16))
    made = sheet([stored(objects, "r", red), stored(objects, "b", blue)], objects)
    assert made.getpixel((GAP + 16, GAP + 16)) == (255, 0, 0)
    assert made.getpixel((GAP + 32 + GAP + 16, GAP + 16)) == PAPER
    assert made.getpixel((GAP + 32 + GAP + 16, GAP + 31)) == (0, 0, 255)


def test_small_pictures_are_enlarged_by_whole_pixels(objects: ObjectStore) -> None:
    made = sheet([stored(objects, "r", solid((255, 0, 0), (10, 10)))], objects)
    colors = [made.getpixel((GAP + x, GAP + 16)) for x in range(32)]
    assert colors.count((255, 0, 0)) == 30
    assert colors.count(PAPER) == 2


def test_what_cannot_be_read_is_an_empty_cell(objects: ObjectStore) -> None:
    broken = stored(objects, "x", b"no picture")
    gone = SheetEntry("y", "nowhere", 100, 100)
    huge = stored(objects, "z", png(), pixels=300_000_000)
    made = sheet([broken, gone, huge], objects, columns=3)
    assert [made.getpixel((GAP + at * (32 + GAP) + 5, GAP + 5)) for at in range(3)] == [EMPTY] * 3


def test_every_mode_of_picture_has_its_place(objects: ObjectStore, tmp_path: Path) -> None:
    entries = [
        stored(objects, "gray", solid((90,), (40, 40), "L")),
        stored(objects, "alpha", solid((0, 255, 0, 255), (40, 40), "RGBA")),
        stored(objects, "gif", solid((0,), (40, 40), "P", "GIF")),
        stored(objects, "jpeg", solid((9, 9, 9), (400, 400), "RGB", "JPEG")),
    ]
    made = sheet(entries, objects, columns=4)
    assert made.getpixel((GAP + 5, GAP + 5)) == (90, 90, 90)
    assert made.getpixel((GAP + 40 + 5, GAP + 5)) == (0, 255, 0)


def test_captions_stay_within_their_cells(objects: ObjectStore) -> None:
    entry = stored(objects, "k", png())
    long = SheetEntry("w" * 64 + "\u0007", entry.key, entry.pixels, entry.size)
    made = sheet([long], objects, columns=1)
    right = [made.getpixel((GAP + 32 + GAP - 1, y)) for y in range(made.height)]
    assert set(right) == {PAPER}
