"""`atelier mcp`: the tools for programs that speak the Model Context Protocol."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import click

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.commands.options.service import Target, default_url, pass_target
from atelier.display import echo
from atelier.local.listen_socket import listen, url_host
from shared.settings import Settings, is_loopback

PORT = 8490
INSTALL = "install it with `{} -m pip install 'mcp>=2.3,<3'`"
_PORTS = click.IntRange(1, 65535)
_FOLDER = click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path)


@click.command("mcp", short_help="Serve tools for programs over MCP.")
@click.option("--http", "over_http", is_flag=True, help="Listen for HTTP, in place of stdin and stdout.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen there, with --http.")
@click.option("--port", default=PORT, show_default=True, type=_PORTS, help="Listen there, with --http.")
@click.option(
    "--allow-host", "names", multiple=True, metavar="NAME",
    help="Let requests name this server so too, such as mcp.example.org, with --http. May be repeated.",
)  # fmt: skip
@click.option(
    "--folder", "folders", multiple=True, type=_FOLDER,
    help="Read pictures below this folder alone. May be repeated. [default: any; none with --http]",
)  # fmt: skip
@pass_target
def mcp(
    target: Target,
    *,
    over_http: bool,
    host: str,
    port: int,
    names: tuple[str, ...],
    folders: tuple[Path, ...],
) -> None:
    """Serve the tools stylize, generate, wait, cancel, jobs and styles to a program, over MCP.

    The program starts this command and talks to it over stdin and stdout, with your key. With --http it
    listens, and each caller sends a key.

    \b
    atelier mcp
    atelier mcp --folder photos/
    atelier mcp --http --port 9000
    """
    url = target.url or default_url(Settings.from_env())
    if over_http and not is_loopback(host):
        _check_keys(target, url)
    server = _server()
    allowed = folders or (() if over_http else None)
    door = server.Door(url, target.key, target.headers, target.ca, folders=allowed, lends_key=not over_http)
    if not over_http:
        server.serve_stdio(door)
        return
    listen(host, port).close()  # a port that is taken is told in words
    echo(f"MCP at http://{url_host(host)}:{port}{server.PATH}, for the service at {url}", err=True)
    server.serve_http(door, host, port, (*names, url_host(host)))


def _server() -> ModuleType:
    """Import the server here: without the extra, and for the help of all commands, it must not be needed."""
    try:
        return importlib.import_module("atelier.mcp_server.server")
    except ModuleNotFoundError as error:
        package, install = str(error.name).partition(".")[0], INSTALL.format(sys.executable)
        reason = f"atelier mcp needs the package {package}, which is not installed; {install}"
        raise click.ClickException(reason) from error


def _check_keys(target: Target, url: str) -> None:
    """Raise UsageError where the service asks for no key: then all who reach this server could use it."""
    try:
        with Client(url, key="", headers=target.headers, ca=target.ca) as client:
            next(client.jobs.list(), None)
    except ApiError as error:
        if error.status == 401:
            return
        raise
    raise click.UsageError(
        "the service asks for no key, so every machine that reaches this server could use it; create a key "
        "with `atelier keys create`, or leave out --host"
    )
