"""Which service a command talks to: the option --url, and what holds without it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from atelier.client.client import Client
from atelier.display.errors import COMMAND
from atelier.local.listen_socket import url_host
from atelier.local.state_folder import read_running
from shared.settings import Settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Target:
    """Which service the subcommands talk to, and how it knows them."""

    url: str | None  # as given with --url
    key: str | None = field(default=None, repr=False)  # None: as the environment says
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca: Path | None = None

    def client(self, **options: Any) -> Client:
        """Return a client of the service that --url names, or of the one that runs in the state folder."""
        address = self.url or default_url(Settings.from_env())
        return Client(address, key=self.key, headers=self.headers, ca=self.ca, **options)


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
        ctx.obj = Target(url) if ctx.obj is None else replace(ctx.obj, url=url)


def url_option(command: Decorated) -> Decorated:
    """Take --url here too: before a group, between it and its command, or after both."""
    text = (
        "Talk to the service at this address. [default: ATELIER_URL, else the service of this state folder]"
    )
    option = click.option("--url", metavar="URL", expose_value=False, callback=_choose_service, help=text)
    return option(command)


def identity_options(command: Decorated) -> Decorated:
    """Take --key-file, --header and --ca before all commands."""
    for option in (
        click.option(
            "--ca", type=_FILE, help="Trust the authority whose certificates this file holds, and no other."
        ),
        click.option(
            "--header",
            "headers",
            multiple=True,
            metavar="'NAME: VALUE'",
            callback=_read_headers,
            help="Send this header too, to the service alone. May be repeated.",
        ),
        click.option(
            "--key-file",
            type=_FILE,
            help="Send the API key in this file. [default: ATELIER_API_KEY or ATELIER_API_KEY_FILE]",
        ),
    ):
        command = option(command)
    return command


def _read_headers(
    _ctx: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> Mapping[str, str]:
    pairs = [entry.partition(":") for entry in given]
    if not all(colon for _, colon, _ in pairs):
        raise click.BadParameter("a header is given as 'Name: value'")
    return {name.strip(): value.strip() for name, _, value in pairs}


def identified(
    target: Target, *, key_file: Path | None, headers: Mapping[str, str], ca: Path | None
) -> Target:
    """Return the target with what `identity_options` took; raise OSError."""
    key = key_file.read_text("utf-8").strip() if key_file else None
    return replace(target, key=key, headers=headers, ca=ca)


def pass_target(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the service that it talks to, and the option that names it."""
    return url_option(click.pass_obj(command))
