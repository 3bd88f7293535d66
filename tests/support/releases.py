"""Releases of Atelier out of the repository's history, and their processes beside those of this tree."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.support.waiting import eventually

HERE = Path(__file__).resolve().parents[2]
LIGHT_WORKER = ("tests.reliability.light", sys.executable, "-m", "worker")
API = ("gunicorn", "-c", "python:api.gunicorn_conf", "api.wsgi:create()")
STOP_SECONDS = 20


def tree_of(commit: str, folder: Path) -> Path:
    """Write the tree of a commit into a folder; skip where the history does not have it."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=HERE, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"the history has no {commit[:8]}: `git fetch --unshallow` brings it")
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    return folder


@dataclass
class Processes:
    """APIs and workers of any release on one server and one storage, by names."""

    folder: Path
    environ: dict[str, str]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    clients: list[httpx.Client] = field(default_factory=list)

    def start(self, name: str, tree: Path, arguments: tuple[str, ...]) -> None:
        """Start a process in a tree, with the environment of this one."""
        self.ports[name] = _free_port()
        own = {"ATELIER_STATE_DIR": str(self.folder / name), "ATELIER_API_PORT": str(self.ports[name])}
        (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=tree,
                env={**os.environ, **self.environ, **own, "PYTHONPATH": str(tree)},
                stdout=log,
                stderr=log,
            )

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """End a process by a signal, and wait for its end."""
        process = self.running.pop(name)
        process.send_signal(how)
        process.wait(STOP_SECONDS)

    def api(self, name: str) -> httpx.Client:
        """Return a client of an API, which answers."""
        client = httpx.Client(base_url=f"http://127.0.0.1:{self.ports[name]}", timeout=20)
        self.clients.append(client)

        def answers() -> bool:
            assert self.running[name].poll() is None, (self.folder / f"{name}.log").read_text()[-2000:]
            try:
                return client.get("/healthz").is_success
            except httpx.TransportError:
                return False

        eventually(answers)
        return client


@contextmanager
def processes(folder: Path, environ: dict[str, str]) -> Iterator[Processes]:
    """Processes that have ended when the block has."""
    found = Processes(folder, environ)
    try:
        yield found
    finally:
        for client in found.clients:
            client.close()
        for process in found.running.values():
            process.kill()
        for process in found.running.values():
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
