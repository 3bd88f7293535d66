"""Trains a stylizer for the style of the demo, and lays out what it paints beside magenta-mobile.

Usage: python -m bench.gallery.trained_stylizer docs/images/trained-stylizer.jpg --run FOLDER
It takes half an hour of one core. An interrupted run goes on when the command is given again.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from skimage import data

from atelier.commands.demo import OWN_PHOTO, OWN_STYLE
from bench.gallery.contact_sheet import to_floats
from bench.gallery.sheets import lay_out
from shared.cards.card import load_catalog
from worker.models.loading import load_model
from worker.models.nst.target import LossWeights, StyleTarget
from worker.models.runtime import configure_tensorflow
from worker.models.store import ModelStore
from worker.training.checkpoint import FOLDER
from worker.training.config import StepReport
from worker.training.stylizer.config import NO_LICENSE, StylizerConfig

NAME = "swirls"
TRAINED_ON = (  # files of scikit-image
    *("astronaut.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png", "hubble_deep_field.jpg"),
    *("camera.png", "coins.png", "brick.png", "grass.png"),
)
SHOWN = ("astronaut", "rocket", "coffee", "demo")  # the last two are new to the network
SIDE = 512  # pixels of the longer side
CELL = (400, 300)  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1000)
    arguments = parser.parse_args()
    configure_tensorflow(0, 0)
    store = ModelStore(arguments.run / "models")
    trained = train(arguments.run, store, arguments.steps)
    pictures = list(painted(store, trained))
    lay_out(pictures, 3, cell=CELL).save(arguments.output, quality=80)


def train(folder: Path, store: ModelStore, steps: int) -> Any:
    """Train, or go on where an earlier call was interrupted; return the loaded stylizer."""
    from worker.training.stylizer import publish, run

    photos, out = folder / "photos", folder / NAME
    write_photos(photos)
    config = StylizerConfig(
        style=OWN_STYLE,
        photos=photos,
        out=out,
        steps=steps,
        size=128,
        width=8,
        content_weight=3.0,
        checkpoint_every=100,
        sample_every=200,
        resume=any((out / FOLDER).glob("*.npz")),
    )
    done = run.train(config, store=store, on_progress=_tell, on_skip=lambda path, why: print(path, why))
    card = publish.publish(done, NAME, license=NO_LICENSE, store=store, cards=folder / "cards")
    return load_model(card, store)


def _tell(report: StepReport) -> None:
    if report.step % 100 == 0:
        print(f"step {report.step} of {report.steps}, {report.seconds:.0f} s: {report.losses}", flush=True)


def write_photos(folder: Path) -> None:
    """Write the photos to train on, once."""
    folder.mkdir(parents=True, exist_ok=True)
    source = Path(data.__file__).parent
    for name in TRAINED_ON:
        path = (folder / name).with_suffix(".png")
        if not path.exists():
            Image.open(source / name).convert("RGB").save(path)


def painted(store: ModelStore, trained: Any) -> Iterator[tuple[str, Image.Image]]:
    """Yield each photo, and what both networks make of it, with the losses of `nst-gatys`."""
    magenta, judge = (_model(store, name) for name in ("magenta-mobile", "nst-gatys"))
    style = to_floats(Image.open(OWN_STYLE))
    small = to_floats(ImageOps.contain(Image.open(OWN_STYLE), (256, 256), Image.Resampling.LANCZOS))
    grams = judge.grams(small)
    ways = {
        "trained stylizer": (trained, trained.prepare_builtin(0)),
        "magenta-mobile": (magenta, magenta.prepare_style(style)),
    }
    for name in SHOWN:
        photo = to_floats(ImageOps.contain(_photo(name), (SIDE, SIDE), Image.Resampling.LANCZOS))
        is_known = any(file.startswith(name) for file in TRAINED_ON)
        yield name if is_known else f"{name}, which it was not trained on", _image(photo)
        target = StyleTarget(grams, judge.contents(photo))
        for way, (model, prepared) in ways.items():
            picture = model.stylize(photo, prepared)
            losses = [
                float(judge.evaluate(picture, target, weights=weights, turn=0)[0])
                for weights in (LossWeights(), LossWeights(1, 0, 0))
            ]
            print(f"{name}, {way}: loss {losses[0]:.3f}, of the style {losses[1]:.3f}")
            yield way, _image(picture)


def _model(store: ModelStore, name: str) -> Any:
    card = load_catalog().get(name)
    store.pull(card)
    return load_model(card, store)


def _photo(name: str) -> Image.Image:
    return Image.open(OWN_PHOTO) if name == "demo" else Image.fromarray(getattr(data, name)())


def _image(picture: Any) -> Image.Image:
    return Image.fromarray(np.rint(picture * 255).astype(np.uint8))


if __name__ == "__main__":
    main()
