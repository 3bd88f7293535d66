"""`atelier journal`: what can be done about a damaged journal of the embedded server."""

from pathlib import Path

import click

from atelier.display.plain import echo
from atelier.local.aof_repair import cut_journal


@click.command(short_help="Cut a damaged journal of the embedded server.")
@click.option(
    "--cut",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Cut the journal in this state folder, such as .atelier.",
)
def journal(*, folder: Path) -> None:
    """Cut the journal of a stopped installation where its damage begins: what was written after that is lost.

    Copy the folder `redis` in the state folder to a safe place first.
    """
    echo(*cut_journal(folder.absolute()).splitlines())
