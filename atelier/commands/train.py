"""`atelier train`: train a model on this machine, for this installation to serve."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from atelier.commands.options.destination import OutputFolder
from atelier.commands.options.painting import Option
from atelier.commands.options.parameters import complete_files
from atelier.display import echo, echo_json
from atelier.display.progress_bar import stderr_console
from atelier.lazy_group import on_interrupt
from shared.settings import Settings
from worker.training import config as training
from worker.training.checkpoint import FOLDER, CheckpointFolder

RESUME = "the same command with --resume goes on"
LINES_EVERY = 100  # steps, where no terminal shows a bar


def _number(name: str, default: int, text: str, *, least: int = 1) -> Option:
    """Return an option for a whole number."""
    return click.option(name, type=click.IntRange(min=least), default=default, show_default=True, help=text)


@click.group(short_help="Train a model.")
def train() -> None:
    """Train a model on this machine.

    \b
    atelier train mnist-dcgan --data mnist
    """


@train.command("mnist-dcgan")
@click.option(
    "--data",
    required=True,
    shell_complete=complete_files,
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
@_number("--steps", 4000, "Train for at most so many steps.")
@_number("--batch-size", 32, "Train on so many pictures at a time.")
@_number("--seed", 0, "Draw weights, noise and order from this seed.", least=0)
@_number("--checkpoint-every", 500, "Save a checkpoint after so many steps.")
@_number("--sample-every", 500, "Draw samples after so many steps; 0 never draws any.", least=0)
@_number(
    "--check-every",
    500,
    "Check the quality after so many steps and keep the best; 0 keeps the last step.",
    least=0,
)
@_number(
    "--patience", 5, "End the run early after so many checks without a better one; 0 never does.", least=0
)
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint in --out.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def mnist_dcgan(*, name: str | None, as_json: bool, **options: object) -> None:
    """Train the digit generator, or one for your own pictures, and put it into the model store.

    Checkpoints, sample grids, metrics and weights go to --out. Stopped at any moment and started again with
    --resume, it ends with the same weights.

    \b
    atelier train mnist-dcgan --data mnist
    atelier train mnist-dcgan --data letters/ --size 32 \\
        --out letters-run
    atelier train mnist-dcgan --data mnist --resume
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
        trained = run_training(config, on_progress=stop.noting(show), is_stopping=lambda: stop.is_asked)
    card = publish(trained, model, store=ModelStore(settings.models), cards=settings.cards)
    if as_json:
        echo_json({"name": card.name, "version": card.version, "weights": str(trained.weights)})
    else:
        echo(f"{card.name} {card.version}: {trained.weights}")


class _Stop:
    """Ends a run after its current step at the first Ctrl-C, and at once before the first step."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._step = 0  # the last that has ended
        self.is_asked = False

    def noting(self, show: Callable[[training.StepReport], None]) -> Callable[[training.StepReport], None]:
        """Return a function that notes the step of a progress report, and shows the report."""

        def on_progress(progress: training.StepReport) -> None:
            self._step = progress.step
            show(progress)

        return on_progress

    def _ask(self) -> None:
        self.is_asked = True
        if not self._step:
            raise KeyboardInterrupt(f"interrupted before a step was done; {self._out} is as it was")

    @contextmanager
    def on_ctrl_c(self) -> Iterator[None]:
        """Where Ctrl-C ends the block, raise KeyboardInterrupt with the last step and how to resume."""
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
def _reporter(steps: int) -> Iterator[Callable[[training.StepReport], None]]:
    """Show a bar on a terminal; elsewhere write a line now and then."""
    if not sys.stderr.isatty():
        yield _write_line
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=stderr_console()) as bar:
        task = bar.add_task("starting", total=steps)

        def show(now: training.StepReport) -> None:
            bar.update(task, completed=now.step, total=now.steps, description=say_losses(now))
            if now.quality is not None:
                bar.console.print(f"step {now.step}: {_say_quality(now.quality)}")

        yield show


def _write_line(progress: training.StepReport) -> None:
    if progress.step % LINES_EVERY == 0 or progress.step == progress.steps or progress.quality is not None:
        quality = "" if progress.quality is None else f"  {_say_quality(progress.quality)}"
        line = f"step {progress.step}/{progress.steps}  {say_losses(progress)}{quality}"
        echo(line, err=True)


def _say_quality(quality: float) -> str:
    return f"distance to the data {quality:.4f}"


def say_losses(progress: training.StepReport) -> str:
    """Return the losses, and how real the discriminator takes real and made pictures to be."""
    losses = progress.losses
    return (
        f"generator {losses.generator:.3f}  discriminator {losses.discriminator:.3f}  "
        f"real {losses.real_score:.2f}  made {losses.fake_score:.2f}"
    )
