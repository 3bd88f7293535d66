"""No module of the service opens an outgoing connection but by the guarded client, and a few named here."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# atelier/ is the user's side: its client talks to the service that the user names.
MODULES = [path for name in ("api", "worker", "shared") for path in sorted((ROOT / name).rglob("*.py"))]

CONNECTING = {
    "_socket", "aiohttp", "apprise", "asyncio.open_connection", "asyncio.open_unix_connection", "boto3",
    "botocore", "dns", "fsspec", "ftplib", "grpc", "http.client", "httpcore", "httpx", "httpx2", "imaplib",
    "multiprocessing.connection", "obstore.store", "paramiko", "poplib", "pycurl", "redis.Redis",
    "redis.asyncio", "redis.connection", "redis.from_url", "requests", "smtplib", "socket.create_connection",
    "socket.fromfd", "socket.getaddrinfo", "socket.gethostbyname", "socket.socket", "telnetlib",
    "tensorflow_hub", "urllib.request", "urllib3", "websocket", "websockets", "xmlrpc.client",
}  # fmt: skip
# Of whatever object: event loops have the first two, Keras has the third.
METHODS = {"create_connection", "open_connection", "get_file", "urlopen", "urlretrieve"}
IMPORTERS = {"import_module", "__import__"}
GUARD = "shared/network/guarded_client.py"
ALLOWED = {
    GUARD: "the guard itself",
    "worker/models/files/archive.py": "`atelier models pull` downloads what the operator's model cards name",
    "worker/models/files/hub.py": "as above, from TensorFlow Hub; it names the errors of http.client",
    "shared/redis/client.py": "the job store, which the operator names",
    "shared/storage/bucket.py": "the storage, which the operator names",
    "worker/webhooks/mail.py": "the mail server, which the operator names; requests name a recipient alone",
    "shared/metrics/server.py": "listens for Prometheus, and connects to nobody",
    "api/watch.py": "asks the API beside it in the container whether it lives",
    "api/server/connections.py": "asks the type of a connection that came in",
}


def opened_by(text: str) -> set[str]:
    """Return what a module uses that can open a connection."""
    tree = ast.parse(text)
    aliases = dict(_imports(tree))
    names = {name for name in aliases.values() if _connects(name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names |= {_dotted(node, aliases), node.attr} & (CONNECTING | METHODS)
        elif isinstance(node, ast.Call):
            names |= set(_imported_by_name(node))
    return names


def _imported_by_name(call: ast.Call) -> Iterator[str]:
    """Yield what a call imports by a name that stands there."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    for argument in call.args if function in IMPORTERS else ():
        if isinstance(argument, ast.Constant) and _connects(str(argument.value)):
            yield str(argument.value)


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each name that an import binds, and what it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name, alias.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _connects(name: str) -> bool:
    if name.endswith(".*"):
        return any(one.startswith(name[:-1]) for one in CONNECTING)
    return any(name == one or name.startswith(f"{one}.") for one in CONNECTING)


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
        "async def f(loop): await loop.create_connection(P, 'a', 1)",
        "from socket import *",
        "import importlib\nimportlib.import_module('httpx')",
        "__import__('urllib.request')",
        "import tensorflow as tf\ntf.keras.utils.get_file('a', 'http://a/')",
        "import redis\nredis.Redis.from_url('redis://a')",
        "from obstore.store import from_url",
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
