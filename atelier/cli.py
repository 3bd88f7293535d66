"""The `atelier` command. The subcommands are in atelier/commands/."""

import logging
from importlib.metadata import version

import click

from atelier.commands.options.service import url_option
from atelier.lazy_group import LazyGroup

COMMANDS = {
    "demo": "atelier.commands.demo:demo",
    "up": "atelier.commands.up:up",
    "generate": "atelier.commands.generate:generate",
    "stylize": "atelier.commands.stylize:stylize",
    "transform": "atelier.commands.stylize:transform",
    "batch": "atelier.commands.batch:batch",
    "batches": "atelier.commands.batches:batches",
    "styles": "atelier.commands.styles:styles",
    "watch": "atelier.commands.jobs:watch",
    "jobs": "atelier.commands.jobs:jobs",
    "models": "atelier.commands.models:models",
    "train": "atelier.commands.train:train",
    "backup": "atelier.commands.backup:backup",
    "restore": "atelier.commands.backup:restore",
    "gc": "atelier.commands.gc:gc",
    "journal": "atelier.commands.up:journal",
    "doctor": "atelier.commands.doctor:doctor",
}


# Commands print what their users should know; without this, Python would print log warnings too.
logging.getLogger("atelier").addHandler(logging.NullHandler())


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@url_option
@click.version_option(version("atelier-service"), prog_name="atelier")
def main() -> None:
    """Make pictures: digits from a GAN, photos in the style of paintings."""
