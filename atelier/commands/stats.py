"""`atelier stats`: the numbers of the queue at one moment."""

import click

from atelier.commands.options.parameters import Number
from atelier.commands.options.service import Target, pass_target
from atelier.display import echo_json
from atelier.display.stats_tables import stats_table, workers_page


@click.command(short_help="Show what waits and runs, and how fast it goes.")
@click.option(
    "--within",
    type=Number(min=1, max=604_800),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Say how many workers would end all of it in this time.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_target
def stats(target: Target, /, *, within: float, as_json: bool) -> None:
    """Show what waits, what runs, and what has ended in the last minutes: by lane, model and owner.

    A key needs the scope metrics or admin.

    \b
    atelier stats
    atelier stats --within 600 --json
    """
    with target.client() as client:
        found = client.stats.read(within_seconds=within)
    if as_json:
        echo_json(found.raw)
        return
    stats_table(found).print()
    workers_page(found).print()
