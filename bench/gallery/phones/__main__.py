"""Makes sixty files as phones and cameras write them, reads them as a worker does, and lays them out.

Usage: python -m bench.gallery.phones docs/images/phones.jpg [--keep FOLDER]
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from bench.gallery.phones import scene
from bench.gallery.phones.samples import NAMES, Sample, sample
from bench.gallery.sheets import Sheet, lay_out
from shared.images.formats import SNIFFED, sniff
from shared.images.limits import ImageLimits
from worker.codec.decode import decode

COLUMNS = 8
CELL = (scene.SIZE[0] // 2, scene.SIZE[1] // 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--keep", type=Path, help="write the files themselves into this folder")
    arguments = parser.parse_args()
    rows = []
    for made in map(sample, NAMES):
        if made.missing:
            print(f"{made.name}: skipped, {made.missing}")
            continue
        rows.append((made.name, read(made)))
        if arguments.keep:
            _keep(arguments.keep, made)
    sheet(rows).save(arguments.output, quality=90)


def read(made: Sample) -> Image.Image:
    """Return what a worker sees, and say how far it is from the photo."""
    image = decode(made.data, ImageLimits())
    shown = Image.fromarray(image.rgb)
    print(f"{made.name}: {shown.width} x {shown.height}, {distance(shown):.2f} levels from the photo")
    return shown


def distance(shown: Image.Image) -> float:
    """Return the mean difference from the photo, levels; endless where the size is another."""
    if shown.size != scene.SIZE:
        return float("inf")
    return float(np.abs(np.asarray(shown).astype(int) - np.asarray(scene.photo())).mean())


def sheet(rows: Sheet) -> Image.Image:
    return lay_out([("the photo itself", scene.photo()), *rows], COLUMNS, cell=CELL)


def _keep(folder: Path, made: Sample) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(letter if letter.isalnum() else "-" for letter in made.name.lower())
    (folder / f"{name}.{sniff(made.data[:SNIFFED])}").write_bytes(made.data)


if __name__ == "__main__":
    main()
