"""How good the generated digits are, beside real ones, in the eyes of a classifier that is trained here.

Pictures are drawn as a job draws them: seeds from 0 on, the digit left to the seed. Everything is measured
against the held-out pictures, which neither the generator nor the classifier has seen; the real training
pictures in the next column show what the best of all generators would reach. The features are this
classifier's own and scaled so that training pictures without their sevens are at a distance of 3.1: its FID
compares generators here and not with published figures.

Usage: python -m bench.models.gan_quality [--data PATH] [--weights FOLDER ...] [--samples N]
"""

import argparse
import os
from pathlib import Path

import numpy as np

from bench.measuring import Goal, machine
from bench.models.gan_scores import FID_WITHOUT, MISSING, Evaluator, Images, Labelled
from shared.cards.card import load_catalog
from shared.settings import Settings
from worker.models.generation.dcgan import BUNDLED_FOLDER
from worker.models.generation.latents import digit_of, latent
from worker.models.runtime import configure_tensorflow

NICENESS = 10
CLASSIFIER_GOAL = Goal(99.4, at_least=True)  # % of the held-out pictures
LIMITS = {
    "FID": Goal(0.35),
    "inception score": Goal(9.65, at_least=True),
    "labels right, %": Goal(99.5, at_least=True),
    "rarest class, %": Goal(8.0, at_least=True),
    "commonest class, %": Goal(12.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", default="mnist", help='path of an mnist.npz, or "mnist" to download it')
    parser.add_argument("--weights", type=Path, nargs="+", default=[BUNDLED_FOLDER], help="folders")
    parser.add_argument("--samples", type=int, default=10_000)
    arguments = parser.parse_args()
    os.nice(NICENESS)
    configure_tensorflow(1, 1)
    measure(arguments.data, arguments.weights, arguments.samples)


def measure(data: str, folders: list[Path], samples: int) -> None:
    """Print the figures of real pictures and of each folder's weights."""
    from bench.models.digit_classifier import classifier_for
    from worker.training.data import load_pictures

    before = machine()
    real, held_out = load_pictures(data), read_held_out(data)
    classifier = classifier_for(real, Settings.from_env().state_dir / "bench")
    train = Labelled(real.images[..., 0], real.labels.astype(np.int64))
    evaluator = Evaluator(classifier, held_out, train)
    columns = {"x_train": evaluator.figures(Labelled(train.images[:samples], train.labels[:samples]))}
    for folder in folders:
        columns[folder.name or str(folder)] = evaluator.figures(generate(folder, samples))
    print(f"\nGenerated digits, {samples} of each, against {len(held_out.images)} held-out pictures")
    print(f"  before: {before}; after: {machine()}")
    accuracy = evaluator.accuracy
    verdict = "met" if CLASSIFIER_GOAL.is_met(accuracy) else "NOT MET"
    print(f"  the classifier is right in {accuracy:.2f} % of them, goal {CLASSIFIER_GOAL}: {verdict}")
    print(f"  for scale: FID {FID_WITHOUT} is x_train without {MISSING}; ", end="")
    print(f"blurred over 3 pixels it is at {evaluator.fid(blurred(train.images[:samples])):.2f}")
    print_columns(columns)


def read_held_out(data: str) -> Labelled:
    """Return the held-out split of the file, or of the download."""
    if data == "mnist":
        import keras

        _, (images, labels) = keras.datasets.mnist.load_data()
    else:
        with np.load(data, allow_pickle=False) as arrays:
            images, labels = arrays["x_test"], arrays["y_test"]
    return Labelled(images, labels.astype(np.int64))


def generate(folder: Path, samples: int) -> Labelled:
    """Draw pictures with a folder's weights, as jobs do."""
    from worker.models.generation.generator import Generator

    card = load_catalog().get("mnist-dcgan")
    assert card.latent is not None
    latents = np.stack([latent(card.latent, seed, None, 1.0) for seed in range(samples)])
    labels = np.array([digit_of(card.latent, seed) for seed in range(samples)], np.int64)
    return Labelled(Generator.load(card, folder).generate(latents)[..., 0], labels)


def blurred(images: Images) -> Images:
    """Return pictures with each pixel averaged with its left and right neighbors."""
    values = images.astype(np.float32)
    mixed = (values + np.roll(values, 1, axis=2) + np.roll(values, -1, axis=2)) / 3
    return np.rint(mixed).astype(np.uint8)


def print_columns(columns: dict[str, dict[str, float]]) -> None:
    """Print a row a figure, a column a set; an exclamation mark where a goal is missed."""
    names = list(columns)
    width = max(12, *(len(name) + 2 for name in names))
    print(f"\n  {'':<34}{'goal':>9}" + "".join(f"{name:>{width}}" for name in names))
    for label in columns[names[0]]:
        goal = LIMITS.get(label)
        cells = ""
        for name in names:
            value = columns[name][label]
            mark = " " if goal is None or goal.is_met(value) else "!"
            cells += f"{value:>{width - 1}.4g}{mark}"
        print(f"  {label:<34}{goal or ''!s:>9}{cells}".rstrip())


if __name__ == "__main__":
    main()
