"""`atelier styles`: pictures kept as styles under names, and the styles that models have of their own."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from atelier.cli import Target
from atelier.client.downloads import write_whole
from atelier.client.resources import Styles
from atelier.commands.parameters import EXISTING_FILE

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(short_help="Keep, list and remove styles.")
def styles() -> None:
    """Keep pictures as styles under names, for `atelier stylize --style NAME`."""


@styles.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_styles(target: Target, *, as_json: bool) -> None:
    """Show stored styles, and how many each model has of its own."""
    with target.client() as client:
        found = client.styles()
    if as_json:
        stored = [dict(style.raw) for style in found.stored]
        click.echo(json.dumps({"stored": stored, "builtin": [asdict(entry) for entry in found.builtin]}))
        return
    Console().print(_table(found))


def _table(found: Styles) -> Table:
    table = Table("style", "model", Column("picture", overflow="fold"), box=None)
    for style in found.stored:
        table.add_row(style.name, "any that takes pictures", style.url)
    for builtin in found.builtin:
        table.add_row(f"0 to {len(builtin.names) - 1}", builtin.model, builtin.sheet_url or "")
    return table


@styles.command()
@click.argument("name")
@click.argument("picture", type=EXISTING_FILE)
@click.pass_obj
def add(target: Target, *, name: str, picture: Path) -> None:
    """Keep PICTURE as a style under NAME."""
    with target.client() as client:
        click.echo(client.add_style(name, picture).url)


@styles.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.pass_obj
def remove(target: Target, *, names: tuple[str, ...]) -> None:
    """Forget stored styles. Their pictures stay among the files."""
    with target.client() as client:
        for name in names:
            client.delete_style(name)


@styles.command()
@click.argument("model", default="multistyle-26")
@click.option("-o", "--output", type=_FILE, default=Path("styles.jpg"), show_default=True)
@click.pass_obj
def sheet(target: Target, *, model: str, output: Path) -> None:
    """Save a picture of all built-in styles of MODEL, by number."""
    with target.client() as client:
        click.echo(write_whole(output, client.style_sheet(model)))
