"""`atelier top`: the queue, live."""

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice

import click
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from atelier.client.client import Client
from atelier.client.errors import ApiError, ServiceUnreachable
from atelier.commands.options.parameters import Number
from atelier.commands.options.service import Target, pass_target
from atelier.display import echo
from atelier.display.top_screen import Snapshot, fitting, top_lines
from shared.logs import plain

MOST_ROWS = 20  # of running jobs, and of batches
MOST_BATCHES = 100  # that are looked through for those that are not done
PIPE_COLUMNS = 120  # where the standard output is no terminal


@click.command(short_help="Watch the queue, running jobs, batches and failures, live.")
@click.option(
    "--every",
    type=Number(min=0.2, max=3600),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Read again after so long.",
)
@pass_target
def top(target: Target, /, *, every: float) -> None:
    """Watch the queue until Ctrl-C: lanes, models, owners, running jobs, batches, failures.

    Where the standard output is no terminal, it is shown once. A key needs the scopes read and metrics, or
    admin; jobs, batches and failures are those of its owner.

    \b
    atelier top
    atelier top --every 5
    """
    with target.client() as client:
        if not sys.stdout.isatty():
            echo(*(line.plain.rstrip() for line in top_lines(_read(client), PIPE_COLUMNS)))
            return
        with suppress(KeyboardInterrupt):
            _watch(client, every)


def _watch(client: Client, every: float) -> None:
    console = Console(highlight=False)
    lines = top_lines(_read(client), console.width)  # the first failure ends the command
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(Group(*fitting(lines, console.height)), refresh=True)
            time.sleep(every)
            lines = _next_lines(client, console.width)


def _next_lines(client: Client, width: int) -> Iterator[Text]:
    try:
        yield from top_lines(_read(client), width)
    except (ServiceUnreachable, ApiError) as error:
        if isinstance(error, ApiError) and error.status < 500:
            raise
        yield Text(f"{plain(str(error))}; asking again", "red")


def _read(client: Client) -> Snapshot:
    unfinished = (batch for batch in islice(client.batches.list(), MOST_BATCHES) if not batch.done)
    return Snapshot(
        url=client.base_url,
        at=datetime.now(UTC),
        stats=client.stats.read(),
        pauses=client.pauses.list(),
        running=tuple(islice(client.jobs.list(status="running", items=True), MOST_ROWS)),
        batches=tuple(islice(unfinished, MOST_ROWS)),
        failures=client.stats.failures(),
    )
