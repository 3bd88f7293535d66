"""What all trainings share: their options, Ctrl-C, and how progress is shown."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from atelier.commands.options.destination import OutputFolder
from atelier.commands.options.painting import Option
from atelier.display import echo
from atelier.display.progress_bar import stderr_console
from atelier.lazy_group import on_interrupt
from worker.training.config import StepReport, TrainingStopped

RESUME = "the same command with --resume goes on"
LINES_EVERY = 100  # steps, where no terminal shows a bar


def number(name: str, default: int, text: str, *, least: int = 1) -> Option:
    """Return an option for a whole number."""
    return click.option(name, type=click.IntRange(min=least), default=default, show_default=True, help=text)


def out_option(default: str) -> Option:
    """Return --out, the folder of a run."""
    return click.option(
        "--out",
        type=OutputFolder(),
        default=Path(default),
        show_default=True,
        help="Write everything into this folder.",
    )


name_option = click.option(
    "--name", default=None, help="Let jobs call the model so. [default: the name of --out]"
)
seed_option = number("--seed", 0, "Draw weights, noise and order from this seed.", least=0)
checkpoint_option = number("--checkpoint-every", 500, "Save a checkpoint after so many steps.")
sample_option = number("--sample-every", 500, "Draw samples after so many steps; 0 never draws any.", least=0)
resume_option = click.option("--resume", is_flag=True, help="Go on from the newest checkpoint in --out.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")


class Stop:
    """Ends a run after its current step at the first Ctrl-C, and at once before the first step."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._step = 0  # the last that has ended
        self.is_asked = False

    def noting(self, show: Callable[[StepReport], None]) -> Callable[[StepReport], None]:
        """Return a function that notes the step of a progress report, and shows the report."""

        def on_progress(progress: StepReport) -> None:
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
        except TrainingStopped as stop:
            raise KeyboardInterrupt(
                f"interrupted after step {stop.step}, which is saved in {self._out}; {RESUME}"
            ) from stop
        except KeyboardInterrupt as stop:
            if stop.args:
                raise
            raise KeyboardInterrupt(
                f"interrupted after step {self._step}; {RESUME} from the newest checkpoint in {self._out}"
            ) from stop


def check_out(option: str, pictures: Path, out: Path) -> None:
    """Raise UsageError where a run would be written among the pictures that it reads."""
    if pictures.is_dir() and pictures.resolve() in (out.resolve(), *out.resolve().parents):
        raise click.UsageError(f"--out {out} lies in the folder of {option} {pictures}; name one beside it")


def checked_name(given: str) -> str:
    """Return a model's name made of any text; raise BadParameter where nothing is left of it."""
    name = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-")[:64].strip("-")
    if not name:
        raise click.BadParameter("must hold a letter or a digit", param_hint="--name")
    return name


@contextmanager
def reporter(steps: int) -> Iterator[Callable[[StepReport], None]]:
    """Show a bar on a terminal; elsewhere write a line now and then."""
    if not sys.stderr.isatty():
        yield _write_line
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=stderr_console()) as bar:
        task = bar.add_task("starting", total=steps)

        def show(now: StepReport) -> None:
            bar.update(task, completed=now.step, total=now.steps, description=str(now.losses))
            if now.quality is not None:
                bar.console.print(f"step {now.step}: {_say_quality(now.quality)}")

        yield show


def _write_line(progress: StepReport) -> None:
    if progress.step % LINES_EVERY == 0 or progress.step == progress.steps or progress.quality is not None:
        quality = "" if progress.quality is None else f"  {_say_quality(progress.quality)}"
        line = f"step {progress.step}/{progress.steps}  {progress.losses}{quality}"
        echo(line, err=True)


def _say_quality(quality: float) -> str:
    return f"distance to the data {quality:.4f}"
