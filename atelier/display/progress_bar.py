"""A job's life on the terminal: a bar where somebody watches, silence where nobody does."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from atelier.client.job import Job
from atelier.client.polling import OnProgress
from shared.logs import plain


def stderr_console() -> Console:
    """Return the console for everything that is not the command's result."""
    return Console(stderr=True, highlight=False)


def say_state(job: Job) -> str:
    """Return where a job stands, in a few words."""
    if job.status == "queued" and job.queue and job.queue.position:
        eta = f", about {job.queue.eta_seconds:.0f} s" if job.queue.eta_seconds is not None else ""
        return f"queued, number {job.queue.position}{eta}"
    if job.status == "running" and job.progress and job.progress.stage:
        counted = f" {job.progress.step} of {job.progress.total}" if job.progress.total else ""
        return f"running: {job.progress.stage}{counted}"
    return job.status


def fraction_of(job: Job) -> float:
    """Return how far a job is, 0..1."""
    if job.succeeded:
        return 1.0
    return job.progress.fraction if job.progress else 0.0


@contextmanager
def job_bar(title: str) -> Iterator[OnProgress]:
    """Show a job's progress while the block runs; the block is given what takes the news."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr_console(), transient=True, disable=not sys.stderr.isatty()) as bar:
        title = plain(title)
        task = bar.add_task(escape(title), total=1.0)
        yield lambda job: bar.update(
            task,
            completed=fraction_of(job),
            description=f"{escape(title)} [dim]{escape(plain(say_state(job)))}[/dim]",
        )


@contextmanager
def step_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each step of a longer work; the block is given what takes (step, done, total)."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr_console(), disable=not sys.stderr.isatty()) as bars:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield show


@contextmanager
def count_spinner(title: str) -> Iterator[Callable[[int], None]]:
    """Show that something goes on whose end is not known; the block is given what takes a count."""
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=stderr_console(), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=None)
        yield lambda count: bar.update(task, completed=count)
