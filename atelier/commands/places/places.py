"""`atelier places`: the folders and buckets that batches may name."""

from dataclasses import asdict

import click

from atelier.client.places.places import Place
from atelier.commands.options.service import Target, pass_target
from atelier.display import echo, echo_json
from atelier.display.table import Table


@click.command(short_help="List the folders and buckets that batches may name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_target
def places(target: Target, *, as_json: bool) -> None:
    """List the places that your batches may read from and write to.

    Who runs the service names them in its settings. `atelier batch --from PLACE:FOLDER --to PLACE:FOLDER`
    uses them.

    \b
    atelier places
    """
    with target.client() as client:
        found = client.places.list()
    if as_json:
        echo_json([asdict(place) for place in found])
    elif found:
        table = Table("place", "batches may")
        for place in found:
            table.add(place.name, _uses(place))
        table.print()
    else:
        echo("There are no places that your batches may name.", err=True)


def _uses(place: Place) -> str:
    return " and ".join(word for word, may in (("read", place.read), ("write", place.write)) if may)
