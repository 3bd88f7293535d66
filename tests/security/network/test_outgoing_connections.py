"""No module of the service opens an outgoing HTTP connection but by the guarded client."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# atelier/ is the user's side: its client talks to the service that the user names.
MODULES = [path for name in ("api", "worker", "shared") for path in sorted((ROOT / name).rglob("*.py"))]

HTTP = {
    "aiohttp", "asyncio.open_connection", "ftplib", "http.client", "httpcore", "httpx", "pycurl", "requests",
    "smtplib", "socket.create_connection", "socket.getaddrinfo", "socket.gethostbyname", "socket.socket",
    "telnetlib", "urllib.request", "urllib3", "websocket", "websockets", "xmlrpc.client",
}  # fmt: skip
GUARD = "shared/network/guarded_client.py"
ALLOWED = {
    GUARD: "the guard itself",
    "worker/models/files/archive.py": "`atelier models pull` downloads what the operator's model cards name",
    "worker/models/files/hub.py": "as above, from TensorFlow Hub; it names the errors of http.client",
    "api/watch.py": "asks the API beside it in the container whether it lives",
    "api/server/connections.py": "asks the type of a connection that came in",
}


def opened_by(text: str) -> set[str]:
    """Return what a module uses that can open a connection."""
    tree = ast.parse(text)
    aliases = dict(_imports(tree))
    names = {name for name in aliases.values() if _is_http(name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = _dotted(node, aliases)
            names |= {name} if name in HTTP else set()
    return {name for name in names if _is_http(name)}


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each name that an import binds, and what it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name, alias.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _is_http(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in HTTP)


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, aliases)}.{node.attr}"
    return aliases.get(node.id, node.id) if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize(
    "text",
    [
        "import httpx",
        "import httpx as h",
        "from httpx import Client",
        "from urllib import request",
        "import urllib.request",
        "from urllib.request import urlopen",
        "import http.client",
        "def f():\n    import requests",
        "from socket import create_connection",
        "import socket as s\ns.create_connection(('a', 1))",
        "import socket\nclass A(socket.socket): pass",
        "import asyncio\nasync def f(): await asyncio.open_connection('a', 1)",
    ],
)
def test_every_way_round_the_guard_is_found(text: str) -> None:
    assert opened_by(text)


@pytest.mark.parametrize("text", ["import socket\nsocket.gethostname()", "from urllib.parse import urlsplit"])
def test_what_opens_nothing_is_left_alone(text: str) -> None:
    assert not opened_by(text)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_goes_round_the_guard(path: Path) -> None:
    if str(path.relative_to(ROOT)) not in ALLOWED:
        assert opened_by(path.read_text("utf-8")) == set()


def test_the_exceptions_are_still_needed() -> None:
    assert [name for name in ALLOWED if not opened_by((ROOT / name).read_text("utf-8"))] == []
