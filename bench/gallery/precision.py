"""Draws a sheet of paintings at both precisions, at 1:1, with their difference many times as strong.

Usage: python -m bench.gallery.precision docs/images/precision.jpg
It needs a processor with bfloat16 instructions.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from bench.gallery.sheets import lay_out
from bench.photos import pair
from worker.models.runtime import configure_tensorflow

PAIRS = (0, 5, 10, 15)  # each another photo and another style
SIDE = 384  # pixels
STRONGER = 32  # times
QUALITY = 88


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    file = parser.parse_args().file
    configure_tensorflow(1, 1, "onednn")
    lay_out(list(paintings()), 3, cell=(SIDE, SIDE)).save(file, quality=QUALITY)


def paintings() -> Iterator[tuple[str, Image.Image]]:
    """Yield, for each pair, the exact painting, the fast one and their difference about gray."""
    from bench.models.stylize_contenders import load_stylizer

    stylizer = load_stylizer("magenta-mobile")
    if not stylizer.has_fast:
        raise SystemExit("this processor has no bfloat16 instructions: fast would be exact")
    for number in PAIRS:
        content, style = (np.asarray(image, np.float32) / 255 for image in pair(number, SIDE))
        prepared = stylizer.prepare_style(style)
        exact, fast = (
            np.rint(way.stylize(content, prepared) * 255).astype(np.int16)
            for way in (stylizer, stylizer.fast)
        )
        apart = fast - exact
        yield "precision: exact", Image.fromarray(exact.astype(np.uint8))
        yield "precision: fast", Image.fromarray(fast.astype(np.uint8))
        label = (
            f"difference x {STRONGER} (mean {np.abs(apart).mean():.2f}, largest {np.abs(apart).max()} of 255)"
        )
        yield label, Image.fromarray(np.clip(128 + STRONGER * apart, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    main()
