"""An installation whose processes can be struck: server, API, two workers, io worker; the dead start again.

`atelier up` pauses longer with every crash of a process; here they die by the dozen.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from atelier.client.client import Client
from atelier.local.listen_socket import listen, url_of
from atelier.local.processes import ROOT
from atelier.local.readiness import is_ready
from atelier.local.redis_server import EmbeddedServer
from shared.jobs.queries import JobQueries
from shared.jobs.store import JobStore
from shared.redis.client import connect
from shared.setting_groups import JobRules
from shared.storage.object_store import open_object_store
from shared.workers import WorkerRoster
from tests.crash_points.strikes import Strikes, Struck
from tests.support.models import light_models
from tests.support.processes import is_alive
from tests.support.waiting import eventually

RULES = {"lease": 2.0, "ring": 0.2, "backoff": 0.05}  # seconds
THREADS = 6  # of a worker
SLOTS = 2 * THREADS  # jobs in progress at once
TEND_SECONDS = 0.02
STOP_SECONDS = 15


class Installation:
    """Starts on entering; a process that dies inside is started again."""

    def __init__(self, folder: Path, *, clocks: Mapping[str, float] | None = None) -> None:
        self.folder = folder
        self.storage = folder / "storage"
        self.photos, self.put = (folder.with_name(f"{folder.name}-{name}") for name in ("photos", "put"))
        self.strikes = Strikes(folder / "strikes")
        self._hold = folder / "hold"
        self._clocks = clocks or {}
        for place in (folder / "redis", self.photos, self.put):
            place.mkdir(parents=True)
        self._server = EmbeddedServer(folder / "redis")
        self._listener = listen("127.0.0.1", 0)
        self.url = url_of(self._listener)
        self._commands = _commands(self._listener)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = threading.Event()
        self._tender = threading.Thread(target=self._tend, name="tender", daemon=True)

    def __enter__(self) -> Self:
        self._server.start()
        self.redis = connect(self._server.url)
        with ExitStack() as undo:
            undo.callback(self._stop)
            self._start_all()
            self._await_service()
            self._tender.start()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._tender.join()
        self.resume()
        self._stop()

    def _start_all(self) -> None:
        light_models.write_cards(self.folder / "cards")
        rules = JobRules(**{f"{name}_seconds": seconds for name, seconds in RULES.items()})
        self.store = JobStore(self.redis, rules)
        self.queries = JobQueries(self.store)
        self.objects = open_object_store(self.storage.as_uri())
        for name in self._commands:
            self._start(name)

    def _stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(STOP_SECONDS)
        self.redis.close()
        self._server.stop()
        self._listener.close()

    def _start(self, name: str) -> None:
        launch = [sys.executable, "-m", "tests.crash_points.launch", name, str(self.folder / "strikes")]
        offset = self._clocks.get(name, 0.0)
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [*launch, str(offset), *self._commands[name]],
                cwd=ROOT,
                env=self._environ(name),
                stdout=log,
                stderr=log,
                pass_fds=(self._listener.fileno(),) if name == "api" else (),
            )

    def _environ(self, name: str) -> dict[str, str]:
        plain = {key: value for key, value in os.environ.items() if not key.startswith("ATELIER_")}
        rules = {f"ATELIER_JOBS_{key.upper()}_SECONDS": str(value) for key, value in RULES.items()}
        return (
            plain
            | rules
            | {
                "REDIS_URL": self._server.url,
                "ATELIER_STATE_DIR": str(self.folder),
                "ATELIER_WEBHOOK_ALLOW_PRIVATE": "true",
                "ATELIER_PLACES": json.dumps(
                    {
                        "photos": {"url": self.photos.as_uri(), "access": "read"},
                        "put": {"url": self.put.as_uri(), "access": "write"},
                    }
                ),
                "ATELIER_WORKER_HEALTH_FILE": f"{name}.health",
                "ATELIER_WORKER_GRACE_SECONDS": "1",
                "ATELIER_WORKER_THREADS": str(THREADS),
                "ATELIER_WORKER_RUNNERS": "1",
                light_models.HOLD_VARIABLE: str(self._hold),
            }
        )

    def _tend(self) -> None:
        while not self._stopping.wait(TEND_SECONDS):
            for name, process in list(self._processes.items()):
                if process.poll() is not None:
                    self._start(name)

    def _await_service(self) -> None:
        def serves() -> bool:
            for name, process in self._processes.items():
                assert process.poll() is None, f"{name} stopped: {(self.folder / f'{name}.log').read_text()}"
            return is_ready(self.url) and len(WorkerRoster(self.redis).live()) >= 2

        eventually(serves, seconds=180)  # all processes start at once, perhaps on a busy machine

    def client(self) -> Client:
        """Return a client, which sends again what was not answered."""
        return Client(self.url, retries=8)

    def hold(self) -> None:
        """Let no network answer until `resume`."""
        self._hold.touch()

    def resume(self) -> None:
        """Let the networks answer."""
        self._hold.unlink(missing_ok=True)

    def await_strike(self, point: str) -> Struck:
        """Return who was struck at a point, once that process is dead; fail where nobody is."""
        eventually(lambda: bool(self.strikes.struck(point)), seconds=30)
        struck = self.strikes.struck(point)[0]
        eventually(lambda: not is_alive(struck.pid), seconds=10)
        return struck

    def terminate_worker(self, worker_id: str) -> None:
        """Tell the worker that a record names to stop, as a deployment does."""
        os.kill(int(worker_id.split("-")[-2]), signal.SIGTERM)


def _commands(listener: socket.socket) -> dict[str, tuple[str, ...]]:
    bind = ("--bind", f"fd://{listener.fileno()}")
    return {
        "api": ("gunicorn", "-c", "python:api.gunicorn_conf", *bind, "api.wsgi:create()"),
        "worker-1": ("worker",),
        "worker-2": ("worker",),
        "io": ("worker", "--queues", "io"),
    }
