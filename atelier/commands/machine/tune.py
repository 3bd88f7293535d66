"""`atelier tune`: measure this machine, and write the settings with which workers are fastest."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from atelier.client.downloads import write_whole
from atelier.commands.options.parameters import Number
from atelier.display import echo
from atelier.display.progress_bar import stderr_console
from atelier.display.tuning_report import print_json, print_report
from atelier.lazy_group import interruption
from atelier.local.idle import await_idle, busy_check
from atelier.local.missing_models import missing_models
from atelier.local.state_folder import running_server_url
from shared.errors import AtelierError
from shared.machine_memory import memory_limit
from shared.setting_groups import MEBIBYTE
from shared.settings import Settings
from shared.storage.places import require_private_folder
from worker.machine import usable_cores
from worker.models.runtime import has_gpu
from worker.tuning import tuned
from worker.tuning.contest import Contest, OnStep, Outcome, Plan
from worker.tuning.contestant import Disturbed

MEMORY_SHARE = 0.75  # of what all processes may take, where --memory does not say


class NothingChosen(AtelierError):
    """Raised when all settings break a limit, or the environment leaves nothing to choose."""

    code = "nothing_chosen"
    title = "No settings were chosen"


@click.command(short_help="Find the fastest settings for this machine.")
@click.option(
    "--memory",
    type=Number(min=1),
    metavar="MIB",
    help="Let a worker take so much memory at most. [default: three quarters of the machine's]",
)
@click.option(
    "--p95",
    type=Number(min=1),
    metavar="MILLISECONDS",
    help="Let 95 of 100 photos of 1024 x 1024 be painted within this time, all runners being busy. "
    "[default: a quarter longer than untuned]",
)
@click.option(
    "--seconds", type=Number(min=1, max=3600), default=90.0, show_default=True, help="Take about so long."
)
@click.option("--same-bytes", is_flag=True, help="Choose nothing that changes the bytes of pictures.")
@click.option("--dry-run", is_flag=True, help="Print what would be chosen, and write nothing.")
@click.option("--when-idle", is_flag=True, help="Begin when no job has run for a minute; make way for jobs.")
@click.option("--json", "as_json", is_flag=True, help="Print the table and the choice as JSON.")
def tune(
    *,
    memory: float | None,
    p95: float | None,
    seconds: float,
    same_bytes: bool,
    dry_run: bool,
    when_idle: bool,
    as_json: bool,
) -> None:
    """Measure this machine, and write the settings that make workers fastest on it.

    Kernels, threads, allocator and, with a GPU, photos a call are compared in turns. Workers use the
    settings from their next start on, on this machine alone; your own environment variables always win.

    \b
    atelier tune
    atelier tune --memory 4000 --p95 900 --dry-run
    """
    settings = Settings.from_env()
    path = tuned.tuned_file(settings)
    if not dry_run:
        require_private_folder("ATELIER_STATE_DIR", path.parent)
    before = tuned.in_force(settings, os.environ)
    plan = Plan(
        base=before if same_bytes else tuned.untuned(settings, os.environ),
        cores=usable_cores(),
        most_photos=settings.worker.threads if has_gpu() else 1,
        pinned=tuned.pinned(settings, os.environ),
        same_bytes=same_bytes,
        memory_mebibytes=memory or memory_limit() / MEBIBYTE * MEMORY_SHARE,
        p95=p95,
        seconds=seconds,
    )
    if not plan.duels():
        raise NothingChosen("nothing is left to choose: the environment decides on all that is measured")
    with interruption("nothing was written"):
        outcome = _measured(plan, settings, when_idle=when_idle)
        writes = not (dry_run or outcome.broken)
        if writes:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            found = tuned.Tuned(tuned.FORM, at, tuned.machine_of(settings), outcome.champion.candidate)
            write_whole(path, tuned.to_json(found), private=True)
    report = print_json if as_json else print_report
    report(outcome, plan, before, path if writes else None)
    if outcome.broken:
        raise NothingChosen(f"{outcome.broken}; nothing was written. Loosen --memory or --p95")


def _measured(plan: Plan, settings: Settings, *, when_idle: bool) -> Outcome:
    if names := missing_models(settings):  # in another process, as its memory would be measured too
        command = [sys.executable, "-m", "atelier", "models", "pull", *names]
        subprocess.run(command, stdout=sys.stderr, check=False)
    url = running_server_url(settings) if when_idle else ""
    if not url:
        with _progress() as show:
            return Contest(plan, show).run()
    is_busy = busy_check(url)
    while True:
        await_idle(is_busy)
        try:
            return Contest(plan, disturbed=is_busy).run()
        except Disturbed:
            echo("a job came; will measure when it is quiet again", err=True)


@contextmanager
def _progress() -> Iterator[OnStep]:
    """Show what is measured, where the standard error is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=stderr_console(), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, part: bar.update(task, description=what, completed=part)
