"""`atelier batches`: list batches, show one, pause, resume, cancel, retry, pin, delete and fetch."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from atelier.client.batch_run import BatchRun
from atelier.commands.options.destination import OutputFolder
from atelier.commands.options.fields import fields_option, json_fields
from atelier.commands.options.job_selection import Choice, carry_out_each
from atelier.commands.options.places import move_each, place_options
from atelier.commands.options.service import Target, pass_target, url_option
from atelier.commands.options.times import pause_end_options
from atelier.display import echo, echo_json
from atelier.display.batch_tables import batch_page, batch_table
from atelier.display.progress_bar import run_bar
from atelier.folder_batch.progress import RunState
from atelier.folder_batch.report import GO_ON, exit_status_of, print_report
from atelier.folder_batch.results import save_results
from atelier.lazy_group import EXIT_INTERRUPTED

MOST_FAILED = 20  # failed items that are shown with their reasons
Move = Callable[[BatchRun], object]


@click.group(short_help="List batches, look into one, pause, cancel, fetch.")
@url_option
def batches() -> None:
    """See how batches stand, and do something about it.

    \b
    atelier batches list
    atelier batches show batch_019a...
    """


@batches.command("list")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="List at most so many batches."
)
@click.option("--json", "as_json", is_flag=True, help="Print each batch as a line of JSON.")
@fields_option
@pass_target
def list_batches(target: Target, *, limit: int, as_json: bool, fields: str) -> None:
    """Show batches, newest first.

    \b
    atelier batches list --limit 5
    atelier batches list --json --fields id,status
    """
    names = json_fields(fields, as_json=as_json)
    with target.client() as client:
        found: Iterator[Any] = client.batches.list_fields(names) if names else client.batches.list()
        some, more = list(islice(found, limit)), next(found, None) is not None
    if as_json:
        for batch in some:
            echo_json(batch if names else batch.raw)
    elif some:
        batch_table(some).print()
    if not some:
        echo("There are no batches.", err=True)
    if more:
        echo(f"there are more than {limit}: --limit", err=True)


@batches.command()
@click.argument("batch_id")
@click.option("--json", "as_json", is_flag=True, help="Print the batch as JSON.")
@pass_target
def show(target: Target, *, batch_id: str, as_json: bool) -> None:
    """Show how a batch stands, and why items of it failed.

    \b
    atelier batches show batch_019a...
    """
    with target.client() as client:
        run = client.batches.get(batch_id)
        if as_json:
            echo_json(run.batch.raw)
            return
        failed = run.batch.counts["failed"]
        shown = list(islice(run.jobs(status="failed"), MOST_FAILED)) if failed else []
    batch_page(run.batch, shown).print()
    if failed > len(shown):
        echo(f"and {failed - len(shown)} more that failed", err=True)


def _mover(name: str, text: str, move: Move, say: Callable[[object], str]) -> None:
    """Add a command that makes one move with each batch that is named."""

    @batches.command(name, short_help=text, help=f"{text}\n\n\b\natelier batches {name} batch_019a...")
    @click.argument("batch_ids", nargs=-1, required=True, metavar="ID...")
    @click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each batch.")
    @url_option
    @click.pass_context
    def command(ctx: click.Context, *, batch_ids: tuple[str, ...], as_json: bool) -> None:
        target: Target = ctx.obj
        with target.client() as client:
            choice = Choice(tuple(dict.fromkeys(batch_ids)), by_status=False, as_json=as_json)
            carry_out_each(ctx, choice, lambda name: move(client.batches.get(name)), say)


def say_retried(count: object) -> str:
    """Return how many items run again."""
    if count == 0:
        return "has no failed item, so nothing was done"
    return f"{count} {'item goes' if count == 1 else 'items go'} again"


@batches.command()
@click.argument("batch_ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", help="Say why; the batches show it.")
@pause_end_options
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each batch.")
@url_option
@click.pass_context
def pause(
    ctx: click.Context,
    /,
    *,
    batch_ids: tuple[str, ...],
    reason: str | None,
    until: datetime | None,
    for_seconds: int | None,
    as_json: bool,
) -> None:
    """Start no further item of batches; with --for or --until they go on by themselves.

    Another pause replaces the reason and the end.

    \b
    atelier batches pause batch_019a... --for 2h \\
        --reason 'the disk is full'
    """
    target: Target = ctx.obj
    with target.client() as client:
        choice = Choice(tuple(dict.fromkeys(batch_ids)), by_status=False, as_json=as_json)

        def move(name: str) -> object:
            return client.batches.get(name).pause(reason=reason, until=until, for_seconds=for_seconds)

        carry_out_each(ctx, choice, move, lambda _: "paused")


_mover("resume", "Go on with batches that were paused.", BatchRun.resume, lambda _: "resumed")
_mover("cancel", "Cancel every item that is not done.", BatchRun.cancel, lambda _: "canceled")
_mover(
    "retry-failed",
    "Run items again that failed.",
    BatchRun.retry_failed,
    say_retried,
)
_mover("pin", "Keep batches until they are unpinned or deleted.", BatchRun.pin, lambda _: "pinned")
_mover("unpin", "Let batches expire again.", BatchRun.unpin, lambda _: "unpinned")
_mover("delete", "Forget batches that are done, with their pictures.", BatchRun.delete, lambda _: "deleted")


@batches.command(short_help="Move what waits of batches: to the front, the back, another lane.")
@place_options("batches")
@url_option
@click.pass_context
def move(ctx: click.Context, /, **options: Any) -> None:
    """Move batches to the front or the back of their owner's queue, or into the other lane, or both.

    Items that run go on; other owners have their turns as before.

    \b
    atelier batches move batch_019a... --to front
    atelier batches move batch_019a... --lane interactive
    """
    target: Target = ctx.obj
    with target.client() as client:

        def own(name: str, **where: Any) -> object:
            return client.batches.get(name).move(**where)

        move_each(ctx, client.batches, own, options)


@batches.command()
@click.argument("batch_id")
@click.option(
    "-o", "--output", type=OutputFolder(), required=True, help="Write the pictures into this folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
@url_option
@click.pass_context
def fetch(ctx: click.Context, *, batch_id: str, output: Path, as_json: bool) -> None:
    """Save every picture of a batch, as they come. Those that are there already are left alone.

    \b
    atelier batches fetch batch_019a... -o out/
    """
    target: Target = ctx.obj
    run_state, began, status = RunState(1), time.monotonic(), 0
    with target.client() as client:
        run = client.batches.get(batch_id)
        try:
            with run_bar(run.batch.name or run.id) as show:
                save_results(run, output, run_state, show)
        except KeyboardInterrupt:
            echo(GO_ON, err=True)
            status = EXIT_INTERRUPTED
    print_report(run_state, output, seconds=time.monotonic() - began, sent=0, as_json=as_json)
    ctx.exit(status or exit_status_of(run_state))
