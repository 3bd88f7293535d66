"""Paints one drawing in every built-in style of a model and lays the pictures out on one sheet, by number.

Usage: python -m bench.gallery.builtin_styles [--model multistyle-26] [--output FILE]
Without --output the sheet goes where the API serves it from.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from atelier.commands.demo import OWN_PHOTO
from shared.cards.card import ModelCard, load_catalog
from worker.models.loading import load_model
from worker.models.runtime import configure_tensorflow
from worker.models.store import ModelStore
from worker.models.stylization.stylizer import Stylizer

SERVED = Path(__file__).parents[2] / "api" / "builtin_styles"
COLUMNS = 6
WORKED = (384, 256)  # pixels: at this size the strokes of all styles can be told apart
CELL = (240, 160)
MARGIN = 8
LABEL = 20  # height of the line below a cell
QUALITY = 82  # keeps a sheet of 26 below 400 kB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="multistyle-26")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    card = load_catalog().get(arguments.model, "stylize")
    output = arguments.output or SERVED / f"{card.name}-{card.version}.jpg"
    output.parent.mkdir(parents=True, exist_ok=True)
    lay_out(card, paint_all(card)).save(output, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    print(f"{output}: {output.stat().st_size / 1000:.0f} kB")


def paint_all(card: ModelCard) -> list[Image.Image]:
    configure_tensorflow(1, 1)
    with tempfile.TemporaryDirectory() as root:
        store = ModelStore(Path(root))
        store.pull(card)
        stylizer = load_model(card, store)
    assert isinstance(stylizer, Stylizer)
    content = np.asarray(drawing(), np.float32) / 255
    return [paint(stylizer, content, number) for number in range(len(card.builtin_styles))]


def drawing() -> Image.Image:
    """Return the landscape of the demo at the size at which it is painted."""
    with Image.open(OWN_PHOTO) as photo:
        return photo.resize(WORKED, Image.Resampling.LANCZOS)


def paint(stylizer: Stylizer, content: np.ndarray, number: int) -> Image.Image:
    painted = stylizer.stylize(content, stylizer.prepare_builtin(number))
    return Image.fromarray(np.rint(painted * 255).astype(np.uint8)).resize(CELL, Image.Resampling.LANCZOS)


def lay_out(card: ModelCard, pictures: list[Image.Image]) -> Image.Image:
    """The drawing itself comes first, then the styles in the order of their numbers."""
    cells = [(drawing().resize(CELL, Image.Resampling.LANCZOS), "the drawing")]
    cells += [(picture, str(number)) for number, picture in enumerate(pictures)]
    rows = -(-len(cells) // COLUMNS)
    across, down = CELL[0] + MARGIN, CELL[1] + LABEL + MARGIN
    page = Image.new("RGB", (COLUMNS * across + MARGIN, rows * down + MARGIN), "white")
    draw = ImageDraw.Draw(page)
    for index, (picture, label) in enumerate(cells):
        left, top = MARGIN + index % COLUMNS * across, MARGIN + index // COLUMNS * down
        page.paste(picture, (left, top))
        draw.text((left + CELL[0] / 2, top + CELL[1] + 2), label, fill="black", font_size=14, anchor="ma")
    return page


if __name__ == "__main__":
    main()
