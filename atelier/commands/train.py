"""`atelier train`: train a model of the catalog anew."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from atelier.progress_display import stderr_console
from worker.training import config as training

LINES_EVERY = 100  # steps, where no terminal shows a bar


@click.group(short_help="Train a model.")
def train() -> None:
    """Train a model on this machine."""


@train.command("mnist-dcgan")
@click.option(
    "--data", required=True, help='An .npz in the layout of keras.datasets.mnist, or "mnist" to download it.'
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("dcgan-run"), show_default=True)
@click.option("--steps", type=click.IntRange(min=1), default=4000, show_default=True)
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--checkpoint-every", type=click.IntRange(min=1), default=500, show_default=True, help="Steps.")
@click.option(
    "--sample-every", type=click.IntRange(min=0), default=500, show_default=True, help="Steps; 0: never."
)
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint in --out.")
def mnist_dcgan(**options: object) -> None:
    """Train the digit generator: checkpoints, sample grids, metrics and weights go to --out.

    Stopped at any moment and started again with --resume, it ends with the same weights.
    """
    config = training.TrainingConfig(**options)  # type: ignore[arg-type]  # click has checked the types
    from worker.training.run import train as run_training  # brings TensorFlow, which --help must not wait for

    with _reporter(config.steps) as on_progress:
        weights = run_training(config, on_progress=on_progress)
    click.echo(weights)


@contextmanager
def _reporter(steps: int) -> Iterator[Callable[[training.Progress], None]]:
    """Show a bar on a terminal; elsewhere write a line now and then."""
    if not sys.stderr.isatty():
        yield _write_line
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=stderr_console()) as bar:
        task = bar.add_task("starting", total=steps)
        yield lambda news: bar.update(task, completed=news.step, description=say_losses(news))


def _write_line(progress: training.Progress) -> None:
    if progress.step % LINES_EVERY == 0 or progress.step == progress.steps:
        click.echo(f"step {progress.step}/{progress.steps}  {say_losses(progress)}", err=True)


def say_losses(progress: training.Progress) -> str:
    """Return the losses, and how real the discriminator takes real and made pictures to be."""
    losses = progress.losses
    return (
        f"generator {losses.generator:.3f}  discriminator {losses.discriminator:.3f}  "
        f"real {losses.real_score:.2f}  made {losses.fake_score:.2f}"
    )
