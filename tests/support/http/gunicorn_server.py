"""The application under gunicorn, as it runs for real, on another socket."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.processes import children_of


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
def running_gunicorn(redis_url: str, folder: Path, **settings: str) -> Iterator[Gunicorn]:
    socket = Path(tempfile.gettempdir()) / f"atelier-{os.getpid()}.sock"  # in the folder it may be too long
    command = [sys.executable, "-m", "gunicorn", "-c", "python:api.gunicorn_conf", "-b", f"unix:{socket}"]
    environ = {**os.environ, "REDIS_URL": redis_url, "ATELIER_STATE_DIR": str(folder)}
    environ |= {"ATELIER_LIMITS_MAX_BODY_MEBIBYTES": "2", **settings}
    log = folder / "gunicorn.log"
    with log.open("wb") as output, subprocess.Popen(command, env=environ, stderr=output) as process:
        _wait(socket, process)
        transport = httpx.HTTPTransport(uds=str(socket))
        with httpx.Client(transport=transport, base_url="http://atelier", timeout=20) as http:
            yield Gunicorn(process, socket, http, log)
        process.terminate()


def _wait(socket: Path, process: subprocess.Popen[bytes]) -> None:
    pause = threading.Event()
    while not socket.exists():  # it is bound before the application is loaded, and connections wait
        assert process.poll() is None
        pause.wait(0.02)
