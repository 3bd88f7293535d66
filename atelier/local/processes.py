"""The processes of one installation: what `atelier up` runs, with which settings."""

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import shared
from atelier.client.downloads import write_whole
from atelier.local.aof_repair import AofWatch, Say
from atelier.local.readiness import is_alive
from atelier.local.redis_server import (
    SERVER_FOLDER,
    lives,
    memory_of,
    names_server,
    own_server_url,
    server_command,
)
from atelier.supervisor.child_process import ChildSpec, Probe
from shared.cards.card import ModelCard, load_catalog
from shared.settings import Settings

ROOT = Path(shared.__file__).resolve().parent.parent  # where the packages lie
API_GRACE_SECONDS = 10.0
SERVER_GRACE_SECONDS = 15.0
WORKER_MARGIN_SECONDS = 5.0  # beyond the worker's own grace, before it is killed
SERVER_PATIENCE_SECONDS = 15.0  # without a reply; then the server is killed and started again
API_PATIENCE_SECONDS = 30.0  # longer: all threads of the API may wait for the server
CHANGES_FILE = "changes.json"


@dataclass(frozen=True, slots=True)
class ProcessChange:
    """What is different for one process."""

    environ: Mapping[str, str] = field(default_factory=dict)  # variables that are replaced or added
    wrap: tuple[str, ...] = ()  # words before the command; the first is the path of a program


Changes = Mapping[str, ProcessChange]  # by the process's name


def changes_of(environ_of: Mapping[str, Mapping[str, str]], wrap: Mapping[str, tuple[str, ...]]) -> Changes:
    """Combine variables and wrappers by process."""
    names = {*environ_of, *wrap}
    return {name: ProcessChange(environ_of.get(name, {}), tuple(wrap.get(name, ()))) for name in names}


def write_changes(folder: Path, changes: Changes) -> Path:
    """Write the file that `atelier up --changes` reads, and return its path."""
    path = folder / CHANGES_FILE
    write_whole(
        path, json.dumps({name: asdict(change) for name, change in changes.items()}).encode(), private=True
    )
    return path


def read_changes(path: Path) -> Changes:
    """Return what `write_changes` wrote."""
    raw = json.loads(path.read_text("utf-8"))
    return {name: ProcessChange(one["environ"], tuple(one["wrap"])) for name, one in raw.items()}


def changed(spec: ChildSpec, changes: Changes) -> ChildSpec:
    """Return the process as it is to run."""
    change = changes.get(spec.name)
    if change is None:
        return spec
    environ = {**spec.environ, **change.environ}
    return replace(spec, command=(*change.wrap, *spec.command), environ=environ)


@dataclass(frozen=True, slots=True)
class Installation:
    """Settings, and what the processes inherit."""

    settings: Settings
    inherited: tuple[int, ...] = ()  # descriptors that every process holds
    changes: Changes = field(default_factory=dict)

    @property
    def has_own_server(self) -> bool:
        """Whether the embedded server is to run: the environment names no other."""
        return not names_server(os.environ)

    @property
    def redis_url(self) -> str:
        """URL of the server that all processes use."""
        return own_server_url(self.settings.state_dir) if self.has_own_server else self.settings.redis_url

    @property
    def _server_folder(self) -> Path:
        return self.settings.state_dir.absolute() / SERVER_FOLDER

    def server(self, *, strict: bool, say: Say, give_up: Say) -> ChildSpec:
        """The embedded server; `say` gets reports of its append-only file, `give_up` why it cannot start."""
        memory = memory_of(self.settings.store)
        command = server_command(self._server_folder, strict=strict, memory_bytes=memory)
        spec = self._spec("redis", command, grace_seconds=SERVER_GRACE_SECONDS)
        aof = AofWatch(self._server_folder, say=say, give_up=give_up)
        probe = Probe(partial(lives, self.redis_url), SERVER_PATIENCE_SECONDS)
        return replace(spec, probe=probe, before_start=aof.prepare, listener=aof.read_line)

    def api(self, listener: int, url: str) -> ChildSpec:
        """The HTTP side, on a socket that listens already and is reached by a URL."""
        bind = ("--bind", f"fd://{listener}")
        command = _python("gunicorn", "-c", "python:api.gunicorn_conf", *bind, "api.wsgi:create()")
        spec = self._spec("api", command, grace_seconds=API_GRACE_SECONDS, descriptors=(listener,))
        probe = Probe(partial(is_alive, url), API_PATIENCE_SECONDS)
        # Of SIGINT, gunicorn ends its own child, at once.
        return replace(spec, orphan_signal=signal.SIGINT, probe=probe)

    def model_workers(self, count: int) -> list[ChildSpec]:
        """The workers that run models."""
        names = ["worker", *(f"worker-{number}" for number in range(2, count + 1))]
        return [self._worker(name, _python("worker"), number) for number, name in enumerate(names, start=1)]

    def io_worker(self) -> ChildSpec:
        """The worker for what needs no model."""
        return self._worker("worker-io", _python("worker", "--queues", "io"), 1, metrics_offset=0)

    def _worker(
        self, process: str, command: list[str], number: int, *, metrics_offset: int | None = None
    ) -> ChildSpec:
        """Return a worker's process; by its number the worker has the same name after each start.

        So has its port for metrics: that of the settings is the io worker's, those above the others'.
        """
        settings = self.settings.worker
        grace = settings.grace_seconds + WORKER_MARGIN_SECONDS
        health = self.settings.worker_health.with_name(f"{process}.health")
        name = settings.name_of(number, socket.gethostname())
        own = {"ATELIER_WORKER_HEALTH_FILE": str(health), "ATELIER_WORKER_NAME": name}
        if port := self.settings.metrics.port:
            own["ATELIER_METRICS_PORT"] = str(port + (number if metrics_offset is None else metrics_offset))
        return self._spec(process, command, grace_seconds=grace, health_file=health, own=own)

    def _spec(
        self,
        name: str,
        command: list[str],
        *,
        grace_seconds: float,
        health_file: Path | None = None,
        own: Mapping[str, str] = MappingProxyType({}),
        descriptors: tuple[int, ...] = (),
    ) -> ChildSpec:
        spec = ChildSpec(
            name=name,
            command=tuple(command),
            environ={**self.environ(), **own},
            folder=ROOT,
            grace_seconds=grace_seconds,
            health_file=health_file,
            inherited=(*self.inherited, *descriptors),
        )
        return changed(spec, self.changes)

    def environ(self) -> dict[str, str]:
        """Return the environment of every process; paths in it hold in any working folder."""
        settings = self.settings
        paths = {"STATE_DIR": settings.state_dir, "MODELS_DIR": settings.models_dir}
        absolute = {
            f"ATELIER_{name}": str(path.absolute())
            for name, path in {**paths, "CARDS_DIR": settings.cards_dir}.items()
            if path is not None
        }
        own = {
            "REDIS_URL": self.redis_url,
            "PYTHONUNBUFFERED": "1",
            "ATELIER_LOG_FORMAT": "json",  # for the files; `atelier up` makes text of the lines that it shows
            "ATELIER_API_HOST": settings.api.host,
            "ATELIER_WEBHOOK_ALLOW_PRIVATE": settings.webhook.allow_private,
        }
        return {**os.environ, **absolute, **own}


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def wanted_models(settings: Settings) -> list[ModelCard]:
    """Return the cards whose weights must be there before a worker starts."""
    extra = settings.worker.preloaded
    return [
        card for card in load_catalog(settings.cards) if card.preload or card.default or card.name in extra
    ]
