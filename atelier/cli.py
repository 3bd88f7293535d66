"""The `atelier` command. The subcommands are in atelier/commands/."""

import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import click

from atelier.commands.options.service import identified, identity_options, url_option
from atelier.lazy_group import LazyGroup

COMMANDS = {
    "demo": "atelier.commands.demo:demo",
    "up": "atelier.commands.up:up",
    "run": "atelier.commands.machine.run:run",
    "generate": "atelier.commands.generate:generate",
    "stylize": "atelier.commands.stylize:stylize",
    "transform": "atelier.commands.stylize:transform",
    "again": "atelier.commands.recipes.again:again",
    "batch": "atelier.commands.batch:batch",
    "batches": "atelier.commands.batches:batches",
    "places": "atelier.commands.places.places:places",
    "styles": "atelier.commands.styles:styles",
    "recipes": "atelier.commands.recipes.recipes:recipes",
    "watch": "atelier.commands.jobs:watch",
    "events": "atelier.commands.events:events",
    "jobs": "atelier.commands.jobs:jobs",
    "actions": "atelier.commands.queue.actions:actions",
    "deliveries": "atelier.commands.queue.deliveries:deliveries",
    "models": "atelier.commands.queue.models:models",
    "logs": "atelier.commands.machine.logs:logs",
    "stats": "atelier.commands.stats:stats",
    "plan": "atelier.commands.queue.plan:plan",
    "top": "atelier.commands.top:top",
    "pauses": "atelier.commands.queue.pauses:pauses",
    "workers": "atelier.commands.queue.workers:workers",
    "mcp": "atelier.commands.programs.mcp:mcp",
    "keys": "atelier.commands.keys:keys",
    "quota": "atelier.commands.quota:quota",
    "usage": "atelier.commands.usage:usage",
    "tune": "atelier.commands.machine.tune:tune",
    "train": "atelier.commands.training.train:train",
    "backup": "atelier.commands.backup:backup",
    "restore": "atelier.commands.backup:restore",
    "gc": "atelier.commands.gc:gc",
    "journal": "atelier.commands.up:journal",
    "doctor": "atelier.commands.doctor:doctor",
    "completion": "atelier.commands.shell.completion:completion",
}


# Commands print what their users should know; without this, Python would print log warnings too.
logging.getLogger("atelier").addHandler(logging.NullHandler())


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@url_option
@identity_options
@click.version_option(version("atelier-service"), prog_name="atelier")
@click.pass_context
def main(
    ctx: click.Context, /, *, key_file: Path | None, headers: Mapping[str, str], ca: Path | None
) -> None:
    """Make pictures: digits from a GAN, photos in the style of paintings.

    \b
    atelier up
    atelier generate --seed 7 -o seven.png
    atelier stylize photo.jpg --style painting.jpg -o out.png
    """
    ctx.obj = identified(ctx.obj, key_file=key_file, headers=headers, ca=ca)
