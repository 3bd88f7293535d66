"""Which service a command talks to: the option --url, and what holds without it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from atelier.client.client import Client
from atelier.display.errors import COMMAND
from atelier.local.listen_socket import url_host
from atelier.local.state_folder import read_running
from shared.settings import Settings

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Target:
    """Which service the subcommands talk to."""

    url: str | None  # as given with --url

    def client(self, **options: Any) -> Client:
        """Return a client of the service that --url names, or of the one that runs in the state folder."""
        return Client(self.url or default_url(Settings.from_env()), **options)


def default_url(settings: Settings) -> str:
    """Return ATELIER_URL or the public URL, or where `atelier up` runs in the state folder, or would run."""
    if settings.url:
        return settings.url
    if settings.api.public_url:
        return settings.api.public_url
    running = read_running(settings.state_dir.absolute())
    if running:
        return running.url
    return f"http://{url_host(settings.api.host)}:{settings.api.port}"


def _choose_service(ctx: click.Context, _parameter: click.Parameter, url: str | None) -> None:
    """Have a command and those below it talk to this address; without one the group's holds."""
    ctx.meta[COMMAND] = ctx  # the innermost is the last
    if url is not None or ctx.obj is None:
        ctx.obj = Target(url)


def url_option(command: Decorated) -> Decorated:
    """Take --url here too: before a group, between it and its command, or after both."""
    text = (
        "Talk to the service at this address. [default: ATELIER_URL, else the service of this state folder]"
    )
    option = click.option("--url", metavar="URL", expose_value=False, callback=_choose_service, help=text)
    return option(command)


def pass_target(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the service that it talks to, and the option that names it."""
    return url_option(click.pass_obj(command))
