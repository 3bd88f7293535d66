"""`atelier pauses`: what the service starts no job of for a time."""

from datetime import datetime
from typing import get_args

import click

from atelier.client.queue.pauses import Pause
from atelier.client.request_parts import Lane
from atelier.commands.options.one_by_one import carry_out_each
from atelier.commands.options.service import Target, pass_target, url_option
from atelier.commands.options.times import pause_end_options
from atelier.display import echo, echo_json
from atelier.display.pause_tables import pause_table, say_scope, say_time


@click.group(short_help="Start no job of a lane, a model or an owner for a time.")
@url_option
def pauses() -> None:
    """Pause a lane, a model, an owner or everything: jobs wait, and those that run go on.

    Without an admin's key, one's own jobs alone. `atelier batches pause` pauses a batch.

    \b
    atelier pauses list
    atelier pauses create --lane bulk --reason 'office hours'
    """


@pauses.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print each pause as a line of JSON.")
@pass_target
def list_pauses(target: Target, *, as_json: bool) -> None:
    """Show what is paused, why, by whom, and until when; the latest first.

    \b
    atelier pauses list
    """
    with target.client() as client:
        found = client.pauses.list()
    if as_json:
        for pause in found:
            echo_json(pause.raw)
    elif found:
        pause_table(found).print()
    else:
        echo("Nothing is paused.", err=True)


@pauses.command()
@click.option("--reason", required=True, help="Say why: it is shown where jobs wait for it.")
@click.option("--lane", type=click.Choice(get_args(Lane)), help="Pause this lane alone.")
@click.option("--model", help="Pause jobs of this model alone.")
@click.option("--owner", help="Pause jobs of this owner alone.")
@click.option("--everything", is_flag=True, help="Pause all jobs that the key may pause.")
@pause_end_options
@click.option("--window", metavar="HH:MM-HH:MM", help="Pause in this part of each day, such as 01:00-07:00.")
@click.option("--timezone", metavar="NAME", help="Take the window in this zone. [default: UTC]")
@click.option("--json", "as_json", is_flag=True, help="Print the pause as JSON.")
@pass_target
def create(
    target: Target,
    /,
    *,
    reason: str,
    lane: Lane | None,
    model: str | None,
    owner: str | None,
    everything: bool,
    until: datetime | None,
    for_seconds: int | None,
    window: str | None,
    timezone: str | None,
    as_json: bool,
) -> None:
    """Pause what is named: a lane, a model, an owner, or what all of them have together.

    It ends by itself with --for or --until, else by `atelier pauses end`.

    \b
    atelier pauses create --model nst-gatys --for 2h \\
        --reason 'the GPU is lent'
    atelier pauses create --lane bulk --reason 'office hours' \\
        --window 09:00-18:00 --timezone Asia/Seoul
    """
    if everything == bool(lane or model or owner):
        raise click.UsageError("name what to pause: --lane, --model, --owner, or --everything alone")
    with target.client() as client:
        made = client.pauses.create(
            reason,
            lane=lane,
            model=model,
            owner=owner,
            until=until,
            for_seconds=for_seconds,
            window=window,
            timezone=timezone,
        )
    _tell(made, as_json=as_json)


def _tell(made: Pause, *, as_json: bool) -> None:
    if as_json:
        echo_json(made.raw)
        return
    echo(made.id)
    echo(f"{say_scope(made)}: {say_time(made)}; `atelier pauses end {made.id}` ends it", err=True)


@pauses.command()
@click.argument("pause_ids", nargs=-1, required=True, metavar="ID...")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each pause.")
@url_option
@click.pass_context
def end(ctx: click.Context, *, pause_ids: tuple[str, ...], as_json: bool) -> None:
    """End pauses: what waited for them may start at once.

    \b
    atelier pauses end pause_019a...
    """
    target: Target = ctx.obj
    with target.client() as client:
        carry_out_each(ctx, pause_ids, client.pauses.end, "ended", as_json=as_json)
