"""One picture that shows many: each scaled into a cell, with its name below."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from api.responses.thumbnail import scaled_down
from shared.errors import ObjectDamaged, ObjectNotFound
from shared.storage.base import ObjectStore

MAX_CELLS = 400
MAX_PIXELS = 250_000_000  # decoded for one sheet; what comes after is shown as an empty cell
MAX_BYTES = 64 * 1024 * 1024  # of one picture that is read for it
GAP = 8  # pixels between cells and around them
CAPTION = 16  # pixels below each cell
FONT_SIZE = 11
PAPER, EMPTY, INK = (250, 250, 248), (226, 226, 222), (60, 60, 60)
_LONGEST_CAPTION = 64  # characters


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """One picture to be shown."""

    caption: str
    key: str  # in object storage
    pixels: int
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """How a sheet looks."""

    columns: int
    side: int  # pixels of a cell's square
    format: Literal["png", "jpeg"] = "jpeg"


def contact_sheet(entries: list[SheetEntry], layout: SheetLayout, objects: ObjectStore) -> bytes:
    """Return the encoded sheet. Pictures are decoded one at a time; one that cannot be read is left empty."""
    columns = max(1, min(layout.columns, len(entries)))
    rows = max(1, -(-len(entries) // columns))
    width, height = columns * (layout.side + GAP) + GAP, rows * (layout.side + CAPTION + GAP) + GAP
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_SIZE)
    for place, (entry, small) in enumerate(_scaled(entries, layout.side, objects)):
        row, column = divmod(place, columns)
        left, top = GAP + column * (layout.side + GAP), GAP + row * (layout.side + CAPTION + GAP)
        if small is None:
            draw.rectangle((left, top, left + layout.side - 1, top + layout.side - 1), fill=EMPTY)
        else:
            sheet.paste(small, (left + (layout.side - small.width) // 2, top + layout.side - small.height))
        draw.text((left, top + layout.side + 2), _fitted(entry.caption, layout.side, font), INK, font)
    return _encoded(sheet, layout.format)


def _scaled(
    entries: Iterable[SheetEntry], side: int, objects: ObjectStore
) -> Iterator[tuple[SheetEntry, Image.Image | None]]:
    left = MAX_PIXELS
    for entry in entries:
        left -= entry.pixels
        yield entry, _thumbnail(entry, side, objects) if left >= 0 and entry.size <= MAX_BYTES else None


def _thumbnail(entry: SheetEntry, side: int, objects: ObjectStore) -> Image.Image | None:
    try:
        return _enlarged(scaled_down(objects.get(entry.key), side).convert("RGB"), side)
    except (ObjectNotFound, ObjectDamaged, OSError):
        return None


def _enlarged(small: Image.Image, side: int) -> Image.Image:
    """Enlarge by a whole factor what is smaller than half a cell: digits can be read then."""
    factor = side // max(small.size)
    size = small.width * factor, small.height * factor
    return small if factor < 2 else small.resize(size, Image.Resampling.NEAREST)


def _fitted(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Return as much of a caption as fits below a cell."""
    text = "".join(char if char.isprintable() else "?" for char in text[:_LONGEST_CAPTION])
    while text and font.getlength(text) > width:
        text = text[:-1]
    return text


def _encoded(sheet: Image.Image, kind: Literal["png", "jpeg"]) -> bytes:
    data = io.BytesIO()
    sheet.save(data, kind.upper(), quality=85)
    return data.getvalue()
