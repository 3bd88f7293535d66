"""The `atelier` command. Each subcommand is a file in atelier/commands/."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import click

from atelier.client.client import Client
from atelier.lazy_group import LazyGroup
from atelier.listening import url_host
from atelier.up_record import read_record
from shared.settings import Settings

COMMANDS = {
    "demo": "atelier.commands.demo:demo",
    "up": "atelier.commands.up:up",
    "generate": "atelier.commands.generate:generate",
    "stylize": "atelier.commands.stylize:stylize",
    "transform": "atelier.commands.transform:transform",
    "batch": "atelier.commands.batch:batch",
    "batches": "atelier.commands.batches:batches",
    "styles": "atelier.commands.styles:styles",
    "watch": "atelier.commands.watch:watch",
    "jobs": "atelier.commands.jobs:jobs",
    "models": "atelier.commands.models:models",
    "train": "atelier.commands.train:train",
    "backup": "atelier.commands.backup:backup",
    "restore": "atelier.commands.backup:restore",
    "gc": "atelier.commands.gc:gc",
    "journal": "atelier.commands.journal:journal",
    "doctor": "atelier.commands.doctor:doctor",
}


@dataclass(frozen=True, slots=True)
class Target:
    """Which service the subcommands talk to."""

    url: str | None  # as given with --url

    def client(self, **options: Any) -> Client:
        """Return a client of the service that --url names, or of the one that runs in the state folder."""
        return Client(self.url or default_url(Settings.from_env()), **options)


def default_url(settings: Settings) -> str:
    """Return the settings' public URL, or where `atelier up` runs in the state folder, or would run."""
    if settings.api.public_url:
        return settings.api.public_url
    running = read_record(settings.state_dir.absolute())
    if running is not None and running.is_running:
        return running.url
    return f"http://{url_host(settings.api.host)}:{settings.api.port}"


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", metavar="URL", help="The service to talk to. [default: the one of this state folder]")
@click.version_option(version("atelier-service"), prog_name="atelier")
@click.pass_context
def main(ctx: click.Context, url: str | None) -> None:
    """Make pictures: digits from a GAN, photos in the style of paintings."""
    ctx.obj = Target(url)
