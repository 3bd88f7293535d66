"""A short training run: what is drawn as it goes on, and what its discriminator says in the end."""

import json
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from bench.gallery.how_it_works.figures import Studio, drawn, show
from worker.models.generation.dcgan import Architecture
from worker.training.checkpoint import FOLDER, CheckpointFolder
from worker.training.config import StepReport, TrainingConfig
from worker.training.data import load_pictures, to_signed
from worker.training.run import train
from worker.training.train_step import build_discriminator, build_training_generator, draw_latents

STEPS = 1200
SHOWN = (50, 100, 200, 400, 800, 1200)  # steps
ROWS = 3  # of a grid of samples
CELL, FRAME = 30, 2  # pixels from one picture of a grid to the next, and around all
JUDGED = 10  # pictures, one of each class


def run(studio: Studio) -> None:
    """Train, or go on where an earlier call was interrupted; nothing where it had come to its end."""
    config = TrainingConfig(
        data=studio.data,
        out=studio.run,
        steps=STEPS,
        seed=1,
        sample_every=50,
        check_every=300,
        checkpoint_every=300,
        resume=any((studio.run / FOLDER).glob("*.npz")),
    )
    train(config, on_progress=_tell)


def _tell(report: StepReport) -> None:
    if report.step % 100 == 0:
        print(f"step {report.step} of {report.steps}, {report.seconds:.0f} s", flush=True)


def draw_progress(studio: Studio) -> None:
    """Samples of the same latents as the run goes on, and its curves."""
    run(studio)
    figure = Figure((10, 5.2), layout="constrained")
    samples, curves = figure.subfigures(2, 1, height_ratios=[1.5, 1])
    for axes, step in zip(samples.subplots(2, 3).flat, SHOWN, strict=True):
        show(axes, _samples(studio, step), f"step {step}")
    lines = [json.loads(line) for line in (studio.run / "metrics.jsonl").read_text("utf-8").splitlines()]
    left, right = curves.subplots(1, 2)
    _plot(left, lines, {"real_score": "real pictures", "fake_score": "made pictures"})
    left.set_title("how real the discriminator takes them to be", fontsize=9)
    _plot(right, lines, {"generator_loss": "generator", "discriminator_loss": "discriminator"})
    right.set_title("losses", fontsize=9)
    studio.save("training.png", drawn(figure))


def _samples(studio: Studio, step: int) -> Image.Image:
    sheet = Image.open(studio.run / "samples" / f"{step:08d}.png")
    return sheet.crop((0, 0, sheet.width, ROWS * CELL + FRAME))


def _plot(axes: Any, lines: list[dict[str, Any]], keys: dict[str, str]) -> None:
    for key, label in keys.items():
        axes.plot([line["step"] for line in lines], [line[key] for line in lines], label=label, linewidth=1)
    axes.set(xlim=(0, STEPS), ylim=(0, None))
    axes.legend(frameon=False, fontsize=8)
    axes.grid(color="#dddddd")


def draw_discriminator(studio: Studio) -> None:
    """How real the discriminator takes pictures to be: real ones, real ones with a wrong label, made ones."""
    run(studio)
    generator, discriminator = _networks(studio)
    labels = np.arange(JUDGED, dtype=np.int32)
    pictures = load_pictures(studio.data)
    chosen = [int(np.flatnonzero(pictures.labels == label)[0]) for label in labels]
    real = to_signed(pictures.images[chosen])
    made = np.asarray(generator(draw_latents(labels, JUDGED, seed=3, step=0), training=False))
    rows = {
        "real": (real, labels),
        "real, called\nthe next digit": (real, (labels + 1) % JUDGED),
        "made": (made, labels),
    }
    figure = Figure((10, 4.0), layout="constrained")
    for row, (title, (images, asked)) in zip(figure.subplots(3, JUDGED), rows.items(), strict=True):
        out = np.asarray(discriminator(images)).reshape(JUDGED, -1)
        scores = 1 / (1 + np.exp(-(out[:, 0] + out[labels, 1 + asked])))
        for axes, image, label, score in zip(row, images, asked, scores, strict=True):
            show(axes, image[..., 0], f'"{label}": {score:.2f}', vmin=-1, vmax=1)
        row[0].set_ylabel(title, fontsize=9)
    studio.save("discriminator.png", drawn(figure))


def _networks(studio: Studio) -> tuple[Any, Any]:
    """Return the run's generator and discriminator as its last step left them."""
    newest = CheckpointFolder(studio.run / FOLDER).newest()
    assert newest is not None, "a run leaves a checkpoint"
    architecture = Architecture()
    models = (build_training_generator(architecture, seed=0), build_discriminator(architecture, seed=0))
    arrays = iter(newest.arrays)
    for model in models:
        for variable in model.variables:
            variable.assign(next(arrays))
    return models
