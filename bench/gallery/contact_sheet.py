"""Stylizes four photos in two styles at 384 and 1024 pixels and lays them out on one sheet.

Usage: python -m bench.gallery.contact_sheet OUT.png
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageOps
from skimage import data

from shared.cards.card import load_catalog
from worker.models.loading import load_model
from worker.models.runtime import configure_tensorflow
from worker.models.store import ModelStore
from worker.models.stylization.stylizer import Stylizer

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")
SIDES = (384, 1024)  # pixels of the longer side
CELL = (360, 270)
MARGIN = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    configure_tensorflow(2, 1)
    with tempfile.TemporaryDirectory() as root:
        stylizer = load_default(ModelStore(Path(root)))
    sheet(stylizer).save(arguments.output)


def load_default(store: ModelStore) -> Stylizer:
    card = load_catalog().default("stylize")
    store.pull(card)
    stylizer = load_model(card, store)
    assert isinstance(stylizer, Stylizer)
    stylizer.warm_up()
    return stylizer


def sheet(stylizer: Stylizer) -> Image.Image:
    """A row of styles, then a row a photo: the photo, and each style at each size."""
    styles = {
        "bold strokes": bold_strokes(512),
        "stained tissue": Image.fromarray(data.immunohistochemistry()),
    }
    columns = [("photo", None, 0), *((name, style, side) for name, style in styles.items() for side in SIDES)]
    rows = [[style or Image.new("RGB", CELL, "white") for _, style, _ in columns]]
    for name in PHOTOS:
        photo = Image.fromarray(getattr(data, name)())
        rows.append([paint(stylizer, photo, style, side) if style else photo for _, style, side in columns])
    titles = [f"{name} {side or ''}".strip() for name, _, side in columns]
    return lay_out(titles, rows)


def paint(stylizer: Stylizer, photo: Image.Image, style: Image.Image, side: int) -> Image.Image:
    prepared = stylizer.prepare_style(to_floats(style))
    content = to_floats(ImageOps.contain(photo, (side, side), Image.Resampling.LANCZOS))
    start = time.perf_counter()
    picture = stylizer.stylize(content, prepared)
    print(f"{content.shape[1]} x {content.shape[0]}: {1000 * (time.perf_counter() - start):.0f} ms")
    return Image.fromarray(np.rint(picture * 255).astype(np.uint8))


def to_floats(image: Image.Image) -> npt.NDArray[np.float32]:
    return np.asarray(image.convert("RGB"), np.float32) / 255


def bold_strokes(side: int) -> Image.Image:
    """Draw swirling bands of paint in five colors, so that a style is at hand without any file."""
    y, x = np.mgrid[0:side, 0:side] / side
    bend = 0.10 * np.sin(9 * x + 4 * np.sin(5 * y)) + 0.06 * np.sin(14 * y - 6 * x)
    swirl = np.hypot(x - 0.65, y - 0.35)
    phase = 10 * (y + bend) + 6 * swirl
    palette = np.array([[16, 42, 110], [38, 105, 180], [240, 196, 60], [225, 92, 40], [245, 235, 205]], float)
    bands = palette[np.floor(phase).astype(int) % len(palette)]
    bristles = 0.82 + 0.18 * np.sin(2 * np.pi * 7 * phase + 3 * np.sin(20 * x))
    outline = np.where(np.abs(phase % 1 - 0.5) > 0.45, 0.35, 1.0)
    return Image.fromarray(np.uint8(np.clip(bands * (bristles * outline)[..., None], 0, 255)))


def lay_out(titles: list[str], rows: list[list[Image.Image]]) -> Image.Image:
    width, height = CELL[0] + MARGIN, CELL[1] + MARGIN
    page = Image.new("RGB", (width * len(titles) + MARGIN, height * len(rows) + 30), "white")
    draw = ImageDraw.Draw(page)
    for column, title in enumerate(titles):
        draw.text((MARGIN + column * width, 6), title, fill="black", font_size=16)
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            cell = ImageOps.fit(image, CELL, Image.Resampling.LANCZOS, centering=(0.5, 0.2))
            page.paste(cell, (MARGIN + column * width, 30 + row * height))
    return page


if __name__ == "__main__":
    main()
