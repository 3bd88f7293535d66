"""The application under gunicorn, as it runs for real, on another socket."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from shared.redis.client import connect
from shared.redis.keys import Keys
from tests.support.processes import children_of

ROOT = Path(__file__).parents[3]


@dataclass
class Gunicorn:
    """A running server: its master process, its socket, and a client of it."""

    process: subprocess.Popen[bytes]
    socket: Path
    http: httpx.Client
    log: Path

    def pids(self) -> list[int]:
        return [self.process.pid, *children_of(self.process.pid)]


@contextmanager
def running_gunicorn(
    redis_url: str, folder: Path, config: str = "api.gunicorn_conf", **settings: str
) -> Iterator[Gunicorn]:
    socket = Path(tempfile.gettempdir()) / f"atelier-{uuid.uuid4().hex}.sock"  # elsewhere it may be too long
    command = [sys.executable, "-m", "gunicorn", "-c", f"python:{config}", "-b", f"unix:{socket}"]
    environ = {**os.environ, "REDIS_URL": redis_url, "ATELIER_STATE_DIR": str(folder)}
    environ |= {"ATELIER_LIMITS_MAX_BODY_MEBIBYTES": "2", **settings}
    log = folder / "gunicorn.log"
    _forget_storage(redis_url)
    with log.open("wb") as output, subprocess.Popen(command, env=environ, stderr=output) as process:
        try:
            _wait(socket, process)
            transport = httpx.HTTPTransport(uds=str(socket))
            with httpx.Client(transport=transport, base_url="http://atelier", timeout=20) as http:
                _await_answer(http, process)
                yield Gunicorn(process, socket, http, log)
        finally:
            process.terminate()


@dataclass
class LoopbackGunicorn:
    """A running server on a free loopback port, where browsers could reach it, and a client of it."""

    url: str
    address: tuple[str, int]
    http: httpx.Client
    log: Path


@contextmanager
def loopback_gunicorn(
    redis_url: str, folder: Path, *, app: str = "api.wsgi:create()", **settings: str
) -> Iterator[LoopbackGunicorn]:
    """Run the application under gunicorn on a TCP socket, as `atelier up` does, until it is asked to stop."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        bind = ("-b", f"fd://{listener.fileno()}")
        command = [sys.executable, "-m", "gunicorn", "-c", "python:api.gunicorn_conf", *bind, app]
        _forget_storage(redis_url)
        environ = {**os.environ, "REDIS_URL": redis_url, "ATELIER_STATE_DIR": str(folder), **settings}
        log = folder / "gunicorn.log"
        with (
            log.open("wb") as output,
            subprocess.Popen(
                command, env=environ, stderr=output, pass_fds=(listener.fileno(),), cwd=ROOT
            ) as process,
        ):
            url = f"http://127.0.0.1:{address[1]}"
            try:
                with httpx.Client(base_url=url, timeout=60) as http:
                    _await_answer(http, process)
                    yield LoopbackGunicorn(url, address, http, log)
            finally:
                process.terminate()


def _await_answer(http: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    """Return when the application is loaded; its socket takes connections before that."""
    while True:
        assert process.poll() is None, "gunicorn ended"
        try:
            http.get("/healthz", timeout=2)
        except httpx.TimeoutException:
            continue
        return


def _wait(socket: Path, process: subprocess.Popen[bytes]) -> None:
    pause = threading.Event()
    while not socket.exists():  # it is bound before the application is loaded, and connections wait
        assert process.poll() is None
        pause.wait(0.02)


def _forget_storage(redis_url: str) -> None:
    """Let a server go with another storage: each test has its own folder, and all tests have one server."""
    with connect(redis_url) as client:
        client.delete(Keys()("storage"))
