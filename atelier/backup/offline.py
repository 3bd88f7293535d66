"""The server and the storage of an installation, for an operator's commands that work without its API."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from atelier.local.redis_server import SERVER_FOLDER, EmbeddedServer, names_server, server_url
from atelier.local.state_folder import StateLock, read_running, running_server_url
from shared.errors import AtelierError, StoreUnavailable
from shared.redis.client import Client, connect
from shared.settings import Settings
from shared.storage.base import ObjectStore
from shared.storage.object_store import open_storage
from shared.storage.places import check_storage
from shared.workers import WorkerRoster


class NoInstallation(AtelierError):
    """Raised when the state folder holds no installation."""

    code = "no_installation"
    title = "There is no installation here"


class InstallationRunning(AtelierError):
    """Raised when a command needs an installation that is stopped, and it runs."""

    code = "installation_running"
    title = "The installation is running"


@dataclass(frozen=True, slots=True)
class OfflineInstallation:
    """What an operator's command works on."""

    settings: Settings
    client: Client
    objects: ObjectStore


@contextmanager
def enter(settings: Settings) -> Iterator[OfflineInstallation]:
    """Open an installation that runs or is stopped; a stopped one's own server runs for the block.

    Raises NoInstallation, or StateFolderBusy where `atelier up` is just starting or ending.
    """
    folder = settings.state_dir.absolute()
    running = running_server_url(settings)
    if running:
        with _open(settings, running) as installation:
            yield installation
        return
    if not (folder / SERVER_FOLDER).is_dir():
        raise NoInstallation(f"{folder} holds no installation; name another with ATELIER_STATE_DIR")
    with _own_server(folder) as url, _open(settings, url) as installation:
        yield installation


@contextmanager
def enter_or_make(settings: Settings) -> Iterator[OfflineInstallation]:
    """Open the installation of the state folder, or make one. Raises what `enter` and `enter_stopped` do."""
    try:
        with enter(settings) as installation:
            yield installation
    except NoInstallation:
        with enter_stopped(settings) as installation:
            yield installation


@contextmanager
def enter_stopped(settings: Settings) -> Iterator[OfflineInstallation]:
    """Open an installation that must not run, or make an empty one, and keep it from starting meanwhile.

    Raises InstallationRunning, or StateFolderBusy.
    """
    folder = settings.state_dir.absolute()
    if read_running(folder):
        raise InstallationRunning(f"`atelier up` runs in {folder}; stop it first")
    if not names_server(os.environ):
        with _own_server(folder) as url, _open(settings, url) as installation:
            yield installation
        return
    with _kept(folder), _open(settings, settings.redis_url) as installation:
        workers = WorkerRoster(installation.client).live()
        if workers:
            names = ", ".join(worker.id for worker in workers)
            raise InstallationRunning(f"workers are at work: {names}; stop them and the API first")
        yield installation


def _kept(folder: Path) -> AbstractContextManager[object]:
    """Hold a state folder where there is one: beside a server that REDIS_URL names, there need be none.

    In a container it is on a read-only file system: nothing can start in it.
    """
    if not folder.is_dir() or os.statvfs(folder).f_flag & os.ST_RDONLY:
        return nullcontext()
    return StateLock(folder).held(_command())


def _command() -> str:
    """Return the command that this process runs: other commands that find the lock report it."""
    context = click.get_current_context(silent=True)
    return f"atelier {context.info_name}" if context else "a command"


@contextmanager
def _own_server(folder: Path) -> Iterator[str]:
    """Run the embedded server of a state folder that no other command uses."""
    with StateLock(folder).held(_command()) as lock, _started(folder / SERVER_FOLDER, lock):
        yield server_url(folder / SERVER_FOLDER)


@contextmanager
def _started(folder: Path, lock: int) -> Iterator[None]:
    server = EmbeddedServer(folder, lock=lock)
    try:
        server.start()
    except TimeoutError as error:
        server.kill()
        raise StoreUnavailable(f"{error}; {folder / 'server.log'} says why") from error
    try:
        yield
    finally:
        server.stop()


@contextmanager
def _open(settings: Settings, url: str) -> Iterator[OfflineInstallation]:
    check_storage(settings)
    client = connect(url, rules=settings.redis)
    try:
        yield OfflineInstallation(settings, client, open_storage(settings))
    finally:
        client.close()
