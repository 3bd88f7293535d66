"""Draws sheets of what enlarges and of old photos, each part at its own pixels: nothing is scaled to fit.

Usage: python -m bench.gallery.enlarging docs/images
It needs the extras `enlarge` and `old-photo`.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from skimage import data

from atelier.commands.demo import OWN_PHOTO, OWN_STYLE
from bench.gallery.contact_sheet import paint
from bench.gallery.sheets import lay_out
from shared.cards.card import load_catalog
from worker.models.loading import load_model
from worker.models.runtime import configure_tensorflow
from worker.models.store import ModelStore

SIDE = 384  # pixels of the longer side of what is enlarged
CELL = (300, 224)  # pixels
# Where the part of each picture lies that is shown: its upper left corner, 0..1.
PARTS = {"astronaut": (0.38, 0.02), "chelsea": (0.28, 0.18), "demo": (0.12, 0.5), "painted": (0.38, 0.02)}
OLD = ("astronaut", "coffee", "chelsea", "rocket")
OLD_SIDE = 512  # pixels, at which its network was trained
OLD_CELL = (400, 300)  # pixels
_LANCZOS = Image.Resampling.LANCZOS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    configure_tensorflow(2, 1)
    with tempfile.TemporaryDirectory() as root:
        store = ModelStore(Path(root))
        lay_out(list(enlarged(store)), 5, cell=CELL).save(folder / "enlarged.jpg", quality=92)
        lay_out(list(old(store)), 2, cell=OLD_CELL).save(folder / "old-photos.jpg", quality=92)


def enlarged(store: ModelStore) -> Iterator[tuple[str, Image.Image]]:
    """Yield, for each picture, a part of it enlarged in five ways."""
    ways = {name: _model(store, name) for name in ("enlarge-x2", "enlarge-x4", "enlarge-x4plus")}
    for name, picture in _pictures(store):
        for factor in (2, 4):
            part = _part(picture, PARTS[name], factor)
            yield f"{name}, Lanczos {factor} times", part.resize(CELL, _LANCZOS)
            for way, model in ways.items():
                if model.card.scale == factor:
                    yield way, _applied(model, part)


def _pictures(store: ModelStore) -> Iterator[tuple[str, Image.Image]]:
    photos = {name: Image.fromarray(getattr(data, name)()) for name in ("astronaut", "chelsea")}
    photos["demo"] = Image.open(OWN_PHOTO).convert("RGB")
    for name, photo in photos.items():
        yield name, ImageOps.contain(photo, (SIDE, SIDE), _LANCZOS)
    stylizer = _model(store, "magenta-mobile")
    yield "painted", paint(stylizer, photos["astronaut"], Image.open(OWN_STYLE).convert("RGB"), SIDE)


def _part(picture: Image.Image, corner: tuple[float, float], factor: int) -> Image.Image:
    """Return the part of a picture that fills a cell when it is enlarged."""
    left, top = (round(at * side) for at, side in zip(corner, picture.size, strict=True))
    return picture.crop((left, top, left + CELL[0] // factor, top + CELL[1] // factor))


def old(store: ModelStore) -> Iterator[tuple[str, Image.Image]]:
    """Yield photos, each with what becomes of it: a part of both at their own pixels."""
    model = _model(store, "old-photo")
    for name in OLD:
        photo = Image.fromarray(getattr(data, name)())
        photo = ImageOps.fit(photo, (OLD_SIDE, OLD_SIDE * OLD_CELL[1] // OLD_CELL[0]), _LANCZOS)
        middle = ((photo.width - OLD_CELL[0]) // 2, (photo.height - OLD_CELL[1]) // 2)
        box = (*middle, middle[0] + OLD_CELL[0], middle[1] + OLD_CELL[1])
        yield name, photo.crop(box)
        yield "old-photo", _applied(model, photo).crop(box)


def _model(store: ModelStore, name: str) -> Any:
    card = load_catalog().get(name)
    store.pull(card)
    model = load_model(card, store)
    model.warm_up()
    return model


def _applied(model: Any, picture: Image.Image) -> Image.Image:
    start = time.perf_counter()
    made = model.apply(np.asarray(picture), lambda step, total: None, lambda step: step())
    seconds = time.perf_counter() - start
    pixels = picture.width * picture.height
    print(
        f"{model.card.name}: {picture.width} x {picture.height}, {1e6 * seconds / pixels:.1f} s a megapixel"
    )
    return Image.fromarray(made)


if __name__ == "__main__":
    main()
