"""`atelier train`: train a model on this machine, for this installation to serve."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from atelier.commands.options.destination import OutputFolder
from atelier.display import echo
from atelier.display.progress_bar import stderr_console
from atelier.interruption import on_interrupt
from shared.settings import Settings
from worker.training import config as training
from worker.training.checkpoint import FOLDER, CheckpointFolder

RESUME = "the same command with --resume goes on"
LINES_EVERY = 100  # steps, where no terminal shows a bar


@click.group(short_help="Train a model.")
def train() -> None:
    """Train a model on this machine."""


@train.command("mnist-dcgan")
@click.option(
    "--data",
    required=True,
    help='Train on "mnist", which is downloaded, on an .npz of pictures, or on a folder '
    "whose subfolders are classes.",
)
@click.option(
    "--out",
    type=OutputFolder(),
    default=Path("dcgan-run"),
    show_default=True,
    help="Write everything into this folder.",
)
@click.option("--name", default=None, help="Let jobs call the model so. [default: the name of --out]")
@click.option(
    "--size", type=int, default=None, help="Make pictures of this side: a multiple of 4, from 16 to 128."
)
@click.option(
    "--channels",
    type=click.Choice([1, 3]),
    default=None,
    help="Train on grey pictures with 1, on colored ones with 3.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=4000,
    show_default=True,
    help="Train for at most so many steps.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Write everything into this folder.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Write everything into this folder.",
)
@click.option(
    "--checkpoint-every",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="Save a checkpoint after so many steps.",
)
@click.option(
    "--sample-every",
    type=click.IntRange(min=0),
    default=500,
    show_default=True,
    help="Draw samples after so many steps; 0 never draws any.",
)
@click.option(
    "--check-every",
    type=click.IntRange(min=0),
    default=500,
    show_default=True,
    help="Check the quality after so many steps and keep the best; 0 keeps the last step.",
)
@click.option(
    "--patience",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="End the run early after so many checks without a better one; 0 never does.",
)
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint in --out.")
def mnist_dcgan(*, name: str | None, **options: object) -> None:
    """Train the digit generator, or one for your own pictures, and put it into the model store.

    Checkpoints, sample grids, metrics and weights go to --out. Stopped at any moment and started again with
    --resume, it ends with the same weights.
    """
    _check_out(Path(str(options["data"])), Path(str(options["out"])))
    config = training.TrainingConfig(**options)  # type: ignore[arg-type]  # click has checked the types
    model = _checked_name(name or config.out.absolute().name)
    if config.resume:
        CheckpointFolder(config.out / FOLDER).check_resumable()
    settings = Settings.from_env()
    # They bring TensorFlow, which --help must not wait for.
    from worker.models.runtime import configure_tensorflow
    from worker.models.store import ModelStore

    configure_tensorflow(0, 0)
    from worker.training.publish import publish
    from worker.training.run import train as run_training

    stop = _Stop(config.out)
    with _reporter(config.steps) as show, stop.on_ctrl_c():
        trained = run_training(config, on_progress=stop.told_by(show), is_stopping=lambda: stop.is_asked)
    card = publish(trained, model, store=ModelStore(settings.models), cards=settings.cards)
    echo(f"{card.name} {card.version}: {trained.weights}")


class _Stop:
    """Has the first Ctrl-C end a run after the step it is at; one before the first step ends it at once."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._step = 0  # the last that was done
        self.is_asked = False

    def told_by(self, show: Callable[[training.Progress], None]) -> Callable[[training.Progress], None]:
        """Return what shows progress and learns of it."""

        def on_progress(news: training.Progress) -> None:
            self._step = news.step
            show(news)

        return on_progress

    def _ask(self) -> None:
        self.is_asked = True
        if not self._step:
            raise KeyboardInterrupt(f"interrupted before a step was done; {self._out} is as it was")

    @contextmanager
    def on_ctrl_c(self) -> Iterator[None]:
        """Say where the run stands and how it goes on, however Ctrl-C ended the block."""
        try:
            with on_interrupt(self._ask):
                yield
        except training.TrainingStopped as stop:
            raise KeyboardInterrupt(
                f"interrupted after step {stop.step}, which is saved in {self._out}; {RESUME}"
            ) from stop
        except KeyboardInterrupt as stop:
            if stop.args:
                raise
            raise KeyboardInterrupt(
                f"interrupted after step {self._step}; {RESUME} from the newest checkpoint in {self._out}"
            ) from stop


def _check_out(data: Path, out: Path) -> None:
    """Raise UsageError where a run would be written among the pictures that it reads."""
    if data.is_dir() and data.resolve() in (out.resolve(), *out.resolve().parents):
        raise click.UsageError(f"--out {out} lies in the folder of --data {data}; name one beside it")


def _checked_name(given: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-")[:64].strip("-")
    if not name:
        raise click.BadParameter("must hold a letter or a digit", param_hint="--name")
    return name


@contextmanager
def _reporter(steps: int) -> Iterator[Callable[[training.Progress], None]]:
    """Show a bar on a terminal; elsewhere write a line now and then."""
    if not sys.stderr.isatty():
        yield _write_line
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=stderr_console()) as bar:
        task = bar.add_task("starting", total=steps)

        def show(news: training.Progress) -> None:
            bar.update(task, completed=news.step, total=news.steps, description=say_losses(news))
            if news.quality is not None:
                bar.console.print(f"step {news.step}: {_say_quality(news.quality)}")

        yield show


def _write_line(progress: training.Progress) -> None:
    if progress.step % LINES_EVERY == 0 or progress.step == progress.steps or progress.quality is not None:
        quality = "" if progress.quality is None else f"  {_say_quality(progress.quality)}"
        line = f"step {progress.step}/{progress.steps}  {say_losses(progress)}{quality}"
        echo(line, err=True)


def _say_quality(quality: float) -> str:
    return f"distance to the data {quality:.4f}"


def say_losses(progress: training.Progress) -> str:
    """Return the losses, and how real the discriminator takes real and made pictures to be."""
    losses = progress.losses
    return (
        f"generator {losses.generator:.3f}  discriminator {losses.discriminator:.3f}  "
        f"real {losses.real_score:.2f}  made {losses.fake_score:.2f}"
    )
