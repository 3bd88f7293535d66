"""`atelier styles`: pictures that are kept as styles under names, and the built-in styles of models."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from atelier.client.downloads import write_whole
from atelier.client.styles import Styles
from atelier.commands.options.destination import JPEG_SUFFIXES, STANDARD_OUTPUT, OutputFile
from atelier.commands.options.one_by_one import carry_out_each
from atelier.commands.options.parameters import EXISTING_FILE
from atelier.commands.options.service import Target, pass_target, url_option
from atelier.display import echo, echo_json
from atelier.display.table import Table


@click.group(short_help="Keep, list and remove styles.")
@url_option
def styles() -> None:
    """Keep pictures as styles under names, for `atelier stylize --style NAME`.

    \b
    atelier styles list
    atelier styles add waves painting.jpg
    """


@styles.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_target
def list_styles(target: Target, *, as_json: bool) -> None:
    """Show stored styles, and how many each model has of its own.

    \b
    atelier styles list
    atelier styles list --json
    """
    with target.client() as client:
        found = client.styles.list()
    if as_json:
        stored = [dict(style.raw) for style in found.stored]
        echo_json({"stored": stored, "builtin": [asdict(entry) for entry in found.builtin]})
    else:
        _table(found).print()
    if not found.stored:
        echo("No style is stored; `atelier styles add NAME PICTURE` keeps one.", err=True)


def _table(found: Styles) -> Table:
    table = Table("style", "model", "picture")
    for style in found.stored:
        table.add(style.name, "any that takes pictures", style.url)
    for builtin in found.builtin:
        table.add(f"0 to {len(builtin.names) - 1}", builtin.model, builtin.sheet_url or "")
    return table


@styles.command()
@click.argument("name")
@click.argument("picture", type=EXISTING_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the style as JSON.")
@pass_target
def add(target: Target, *, name: str, picture: Path, as_json: bool) -> None:
    """Keep PICTURE as a style under NAME.

    \b
    atelier styles add waves painting.jpg
    """
    with target.client() as client:
        style = client.styles.create(name, picture)
    if as_json:
        echo_json(dict(style.raw))
    else:
        echo(style.url)


@styles.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each style.")
@url_option
@click.pass_context
def remove(ctx: click.Context, *, names: tuple[str, ...], as_json: bool) -> None:
    """Forget stored styles. Their pictures stay among the files.

    \b
    atelier styles remove waves dunes
    """
    target: Target = ctx.obj
    with target.client() as client:
        carry_out_each(ctx, names, client.styles.delete, "removed", as_json=as_json, key="name")


@styles.command()
@click.argument("model", default="multistyle-26")
@click.option(
    "-o",
    "--output",
    type=OutputFile(JPEG_SUFFIXES, dash=True),
    default="styles.jpg",
    show_default=True,
    help="Write the sheet to this jpg file; - is the standard output.",
)
@pass_target
def sheet(target: Target, *, model: str, output: Path) -> None:
    """Save a picture of all built-in styles of MODEL, by number.

    \b
    atelier styles sheet
    atelier styles sheet multistyle-26 -o styles.jpg
    """
    with target.client() as client:
        sheet = client.styles.sheet(model)
    if str(output) == STANDARD_OUTPUT:
        sys.stdout.buffer.write(sheet)
    else:
        echo(write_whole(output, sheet))
