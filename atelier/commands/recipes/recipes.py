"""`atelier recipes`: settings of jobs that the service keeps under names, in versions."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from atelier.client.files import read_at_most
from atelier.client.recipes.stored import StoredRecipe
from atelier.commands.options.one_by_one import carry_out_each
from atelier.commands.options.parameters import EXISTING_FILE
from atelier.commands.options.service import Target, pass_target, url_option
from atelier.display import echo, echo_json
from atelier.display.table import FactSheet, Table
from atelier.display.time_format import say_moment

MOST_BYTES = 1024 * 1024  # of a file with settings: no service takes more
shared_option = click.option("--shared", is_flag=True, help="Let it be everybody's; needs an admin's key.")


@click.group(short_help="Keep, list and delete settings of jobs.")
@url_option
def recipes() -> None:
    """Keep settings of jobs under names, for `--recipe NAME` of other commands.

    \b
    atelier recipes create print-a3 settings.json
    atelier recipes list
    """


@recipes.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print each recipe as a line of JSON.")
@pass_target
def list_recipes(target: Target, *, as_json: bool) -> None:
    """Show your recipes, the one that changed last first, and everybody's.

    \b
    atelier recipes list
    """
    with target.client() as client:
        found = list(client.recipes.list())
    if as_json:
        for recipe in found:
            echo_json(dict(recipe.raw))
    elif found:
        _table(found).print()
    else:
        echo("No recipe is kept; `atelier recipes create NAME FILE` keeps one.", err=True)


def _table(found: list[StoredRecipe]) -> Table:
    table = Table("recipe", "version", "of", "type", "settings")
    for recipe in found:
        whose = "everybody" if recipe.shared else "you"
        rest = {name: value for name, value in recipe.settings.items() if name != "type"}
        table.add(recipe.name, str(recipe.version), whose, str(recipe.settings.get("type")), _text(rest))
    return table


@recipes.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the recipe as JSON.")
@pass_target
def show(target: Target, *, name: str, as_json: bool) -> None:
    """Show a recipe: its latest version, or the one after @.

    \b
    atelier recipes show print-a3
    atelier recipes show print-a3@2
    """
    plain, _, version = name.partition("@")
    if version and not (version.isascii() and version.isdigit()):
        raise click.BadParameter(f"{version!r} after @ is no number of a version", param_hint="NAME")
    with target.client() as client:
        recipe = client.recipes.get(plain, int(version) if version else None)
    if as_json:
        echo_json(dict(recipe.raw))
        return
    sheet = FactSheet()
    sheet.add("recipe", recipe.reference)
    sheet.add("of", "everybody" if recipe.shared else "you")
    sheet.add("made", say_moment(recipe.created_at))
    sheet.add("versions", ", ".join(map(str, recipe.versions)))
    for field, value in recipe.settings.items():
        sheet.add(field, value if isinstance(value, str) else _text(value))
    sheet.print()


@recipes.command()
@click.argument("name")
@click.argument("file", type=EXISTING_FILE)
@shared_option
@click.option("--json", "as_json", is_flag=True, help="Print the recipe as JSON.")
@pass_target
def create(target: Target, *, name: str, file: Path, shared: bool, as_json: bool) -> None:
    """Keep the settings in FILE, a JSON object, as the next version of NAME.

    \b
    atelier recipes create print-a3 settings.json
    """
    settings = _settings(file)
    with target.client() as client:
        recipe = client.recipes.create(name, settings, shared=shared)
    if as_json:
        echo_json(dict(recipe.raw))
    else:
        echo(recipe.reference)


def _settings(file: Path) -> dict[str, Any]:
    try:
        settings = json.loads(read_at_most(file, MOST_BYTES))
    except ValueError as error:
        raise click.BadParameter(f"{file} is not JSON: {error}") from error
    if not isinstance(settings, dict):
        raise click.BadParameter(f"{file} holds no JSON object")
    return settings


@recipes.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@shared_option
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each recipe.")
@url_option
@click.pass_context
def delete(ctx: click.Context, *, names: tuple[str, ...], shared: bool, as_json: bool) -> None:
    """Forget recipes with all of their versions. Jobs that named them have what they took.

    \b
    atelier recipes delete print-a3
    """
    target: Target = ctx.obj
    with target.client() as client:
        forget = partial(client.recipes.delete, shared=shared)
        carry_out_each(ctx, names, forget, "deleted", as_json=as_json, key="name")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
