"""One server of any kind and version, on a loopback port."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atelier.local.redis_server import lives
from tests.support.servers.binaries import Binary
from tests.support.servers.sentinels import free_ports
from tests.support.servers.tls import Identity
from tests.support.waiting import eventually


@contextmanager
def running_server(binary: Binary, folder: Path, *options: str) -> Iterator[str]:
    """Run a server for a block, which gets its URL. Options that are given here come last."""
    (port,) = free_ports(1)
    with _running(binary, folder, "--port", str(port), *options):
        url = f"redis://127.0.0.1:{port}/0"
        eventually(lambda: lives(url), seconds=30)
        yield url


@contextmanager
def tls_server(binary: Binary, folder: Path, identity: Identity, clients: Path) -> Iterator[int]:
    """Run a server with TLS alone for a block, which gets its port; `clients` is who signed the clients'."""
    (port,) = free_ports(1)
    files = ("--tls-cert-file", identity.certificate, "--tls-key-file", identity.key)
    verified = ("--tls-ca-cert-file", clients)
    with _running(binary, folder, "--port", "0", "--tls-port", str(port), *map(str, (*files, *verified))):
        eventually(lambda: _listens(port), seconds=30)
        yield port


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _running(binary: Binary, folder: Path, *options: str) -> Iterator[None]:
    place = ("--bind", "127.0.0.1", "--dir", str(folder), "--save", "")
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen([binary.path, *place, *options], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()
