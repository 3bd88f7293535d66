"""Sheets of labelled pictures, and pictures as files: what several galleries share."""

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw

CELL = (300, 225)  # pixels
MARGIN, LABEL = 6, 18  # pixels
Sheet = Sequence[tuple[str, Image.Image]]  # labels and pictures
Size = tuple[int, int]  # pixels


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def lay_out(
    pictures: Sheet, columns: int = 0, *, cell: Size = CELL, margin: int = MARGIN, label_height: int = LABEL
) -> Image.Image:
    """Return the pictures in rows, each below its label."""
    columns = columns or (4 if len(pictures) == 8 else 5)
    rows = -(-len(pictures) // columns)
    step = (cell[0] + margin, cell[1] + label_height + margin)
    sheet = Image.new("RGB", (columns * step[0] + margin, rows * step[1] + margin), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (label, picture) in enumerate(pictures):
        left, top = margin + index % columns * step[0], margin + index // columns * step[1]
        draw.text((left, top), label, fill="black")
        small = picture.copy()
        small.thumbnail(cell)
        sheet.paste(small, (left, top + label_height))
    return sheet
