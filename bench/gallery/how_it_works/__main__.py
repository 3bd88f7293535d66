"""Draws the pictures of docs/how-it-works.md with the networks and the training of this code.

Usage: python -m bench.gallery.how_it_works docs/images/how-it-works [--data mnist.npz] [--run FOLDER]
Training takes some minutes; with --run it is kept in a folder, and another call does not repeat it.
"""

import argparse
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench.gallery.how_it_works import generation, one_pass, optimization, training
from bench.gallery.how_it_works.figures import Studio
from worker.models.runtime import configure_tensorflow
from worker.models.store import ModelStore

DRAWINGS: dict[str, Callable[[Studio], None]] = {
    "generator": generation.draw_inside,
    "walk": generation.draw_walk,
    "training": training.draw_progress,
    "discriminator": training.draw_discriminator,
    "gram": optimization.draw_gram,
    "iterations": optimization.draw_iterations,
    "weights": optimization.draw_weights,
    "norms": one_pass.draw_norms,
    "vectors": one_pass.draw_vectors,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", default="mnist", help='"mnist", which is downloaded, or an .npz of it')
    parser.add_argument("--run", type=Path, help="keep the training here, and take it up from here")
    parser.add_argument("--only", nargs="+", choices=DRAWINGS, default=list(DRAWINGS))
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    configure_tensorflow(0, 0)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        run = arguments.run or scratch / "run"
        studio = Studio(arguments.folder, ModelStore(scratch / "models"), arguments.data, run)
        for name in arguments.only:
            DRAWINGS[name](studio)


if __name__ == "__main__":
    main()
