"""Progress bars on the standard error, where it is a terminal; elsewhere lines now and then, or nothing."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column

from atelier.client.events import OnProgress
from atelier.client.job import Hold, Job, Queue
from atelier.display import echo
from atelier.display.time_format import say_moment, say_seconds
from shared.logs import plain

PAUSED = "paused: `atelier batches resume` goes on"
LINE_SECONDS = 5.0  # between lines, where no terminal shows a bar


def stderr_console() -> Console:
    """Return the console for everything that is not the command's result.

    In a pipe it draws nothing and has no colors, also where FORCE_COLOR is set, as in many build systems.
    """
    return Console(stderr=True, highlight=False, force_terminal=sys.stderr.isatty())


def stdout_console() -> Console:
    """Return the console for lines of the result that are drawn while they grow; in a pipe as above."""
    return Console(highlight=False, soft_wrap=True, force_terminal=sys.stdout.isatty())


def say_state(job: Job) -> str:
    """Return the state of a job, in a few words."""
    if job.status == "queued" and job.queue:
        return _say_place(job.queue)
    if job.status == "running" and job.progress and job.progress.stage:
        counted = f" {job.progress.step} of {job.progress.total}" if job.progress.total else ""
        return f"running: {job.progress.stage}{counted}"
    return job.status


# What a person is told beside the place; a worker that is only busy needs no word.
_REASONS = {
    "paused": "paused",
    "not_before": "not before its time",
    "backoff": "pausing after an error",
    "storage_away": "waiting, as the storage does not answer",
    "equal_job": "waiting for the result of an equal job",
    "waits_for": "waiting for the job whose picture it takes",
    "quota": "as many of its owner's jobs run as may",
    "model_limit": "as many jobs of its model run as may",
    "no_worker": "no worker lives",
    "no_worker_has_model": "no worker that takes jobs has the model",
    "no_worker_serves_lane": "no worker takes jobs of its lane",
    "needs_newer_worker": "the workers are too old for it",
    "disk_full": "no room for results on the disk",
    "held_after_crash": "waiting for a worker that has no other job which may kill it",
}


def say_hold(hold: Hold) -> str:
    """Return why something waits, in a few words; "" where workers are only busy."""
    words = _REASONS.get(hold.reason, "" if hold.reason == "workers_busy" else hold.reason)
    until = f" until {say_moment(hold.until)}" if hold.until else ""
    detail = f" ({hold.detail})" if hold.detail else ""
    return f"{words}{until}{detail}" if words else ""


def _say_place(queue: Queue) -> str:
    held = say_hold(queue)
    why = f": {held}" if held else ""
    if queue.until or not queue.position:  # until then its place says nothing
        return f"queued{why}"
    eta = f", about {queue.eta_seconds:.0f} s" if queue.eta_seconds is not None else ""
    return f"queued, number {queue.position}{eta}{why}"


def fraction_of(job: Job) -> float:
    """Return how far a job is, 0..1."""
    if job.succeeded:
        return 1.0
    return job.progress.fraction if job.progress else 0.0


def _label(text: str) -> str:
    """Return a text for a bar, which reads markup and passes control characters on."""
    return escape(plain(text))


def _bars(*columns: ProgressColumn, transient: bool = True) -> Progress:
    """Return bars with these columns, which show nothing where the standard error is no terminal."""
    hidden = not sys.stderr.isatty()
    return Progress(*columns, console=stderr_console(), transient=transient, disable=hidden)


@contextmanager
def job_bar(title: str) -> Iterator[OnProgress]:
    """Show a job's progress while the block runs; the block gets what takes the job as it is now."""
    title = _label(title)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
    )
    with _bars(*columns) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda job: bar.update(
            task,
            completed=fraction_of(job),
            description=f"{title} [dim]{_label(say_state(job))}[/dim]",
        )


@contextmanager
def step_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each step of a longer work; the block gets what takes (step, done, total)."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with _bars(*columns, transient=False) as bars:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(_label(step), total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield show


@contextmanager
def count_spinner(title: str) -> Iterator[Callable[[int], None]]:
    """Show that work goes on whose end is not known; the block gets what takes a count."""
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:.0f}"), TimeElapsedColumn())
    with _bars(*columns) as bar:
        task = bar.add_task(_label(title), total=None)
        yield lambda count: bar.update(task, completed=count)


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run over many pictures is."""

    done: int  # pictures that need no more work, however they ended
    total: int  # pictures, as far as is known
    per_second: float
    failed: str = ""  # how many failed, in words
    to_read: int = 0  # photos that are not checked yet
    is_paused: bool = False  # whether it waits for somebody who has paused it


OnRunProgress = Callable[[RunProgress], None]


@contextmanager
def run_bar(title: str) -> Iterator[OnRunProgress]:
    """Show the progress of a run while the block runs, as a bar or as lines; the block gets what takes it."""
    if not sys.stderr.isatty():
        yield ProgressLines(title)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("[dim]{task.fields[rate]}[/]", table_column=Column(no_wrap=True, overflow="ellipsis")),
    )
    with _bars(*columns) as bar:
        task = bar.add_task(_label(title), total=None, rate="")
        yield lambda progress: bar.update(
            task, completed=progress.done, total=progress.total or None, rate=_label(say_rate(progress))
        )


class ProgressLines:
    """Writes a line at most every few seconds, where something has changed."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._next = time.monotonic() + LINE_SECONDS
        self._last = ""

    def __call__(self, progress: RunProgress) -> None:
        """Take the progress of the run."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LINE_SECONDS
        line = f"{self._title} {progress.done}/{progress.total} {say_rate(progress)}".rstrip()
        if line != self._last:
            echo(line, err=True)
            self._last = line


def say_rate(progress: RunProgress) -> str:
    """Return the rate, the time that is left, and how many failed, in a few words."""
    left = progress.total - progress.done
    parts = [f"{progress.per_second:.1f}/s"] if progress.per_second else []
    if progress.per_second and left and not progress.is_paused:
        parts.append(f"{say_seconds(left / progress.per_second)} left")
    if progress.failed:
        parts.append(progress.failed)
    if progress.is_paused:
        parts.append(PAUSED)
    if progress.to_read:
        parts.append(f"{progress.to_read} photos to read")
    return ", ".join(parts)
