"""gunicorn's configuration: one process, a greenlet a connection, our log.

Read as `--config python:api.gunicorn_conf`.
"""

from gevent import monkey

monkey.patch_all()  # before everything that keeps a lock or a socket

import logging
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from api.native_threads import allow_native_threads
from api.server.connections import WAITS, close_if_asked
from api.server.forked import check_apart, check_storage_apart
from api.server.gunicorn_worker import MAX_HEADER, MAX_HEADERS, MAX_REQUEST_LINE
from api.server.memory import give_back_large_blocks
from shared.logs import configure_logs, plain
from shared.settings import EXIT_CONFIGURATION, Settings, SettingsError
from shared.storage.places import check_cards
from shared.tracing.choice import SEND_SECONDS

log = logging.getLogger("atelier.api")


@contextmanager
def _refusing() -> Iterator[None]:
    """Print in one sentence why the settings are of no use, and exit."""
    try:
        yield
    except SettingsError as error:
        sys.stderr.write(f"{plain(f'configuration: {error}')}\n")
        raise SystemExit(EXIT_CONFIGURATION) from error


def _usable_settings() -> Settings:
    """Return the settings of a place that can be used."""
    with _refusing():
        settings = Settings.from_env()
        configure_logs(settings.log_format, settings.log_level)
        check_storage_apart(settings)
        check_cards(settings)
        return settings


_SETTINGS = _usable_settings()
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108


def _allow_files(wanted: int) -> None:
    """Let this process have as many open files as it wants, within what the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class PlainLogger(Logger):  # type: ignore[misc]
    """gunicorn's messages through the program's own log."""

    def setup(self, cfg: Any) -> None:
        """Leave writing to the root logger. No access log: the application logs requests itself."""
        configure_logs(_SETTINGS.log_format, _SETTINGS.log_level)
        self.error_log.handlers[:] = []
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING if _SETTINGS.log_level == "INFO" else _SETTINGS.log_level)


def on_starting(server: Any) -> None:
    """Refuse a job store that can never do, another one's storage, and to listen beyond without a key.

    If the job store is away, no request is let in.
    """
    with _refusing():
        check_apart(_SETTINGS, _check_server)
    hosts = [address[0] for address in server.cfg.address if isinstance(address, tuple)] or ["127.0.0.1"]
    exposed = [each for each in map(_SETTINGS.listening_on, hosts) if each.is_exposed]
    if exposed:
        with _refusing():
            _require_key(exposed[0])


def _check_server(settings: Settings) -> None:
    # Imported here, since the process that loads this file as a module alone needs no job store.
    from shared.redis.client import connect
    from shared.redis.server_check import check_server
    from shared.storage.identity import check_identity

    with connect(settings.redis_url, retries=0) as client:
        check_server(client)
        check_identity(settings, client)


def _require_key(settings: Settings) -> None:
    # Here, since the first process, which needs no job store otherwise, keeps its memory.
    from shared.access.exposure import check_exposure
    from shared.access.store import KeyStore
    from shared.errors import StoreUnavailable
    from shared.redis.client import connect
    from shared.redis.scripts import Scripts

    with connect(settings.redis_url) as client:
        try:
            check_exposure(settings, KeyStore(Scripts(client)))
        except StoreUnavailable as error:
            log.warning("not known whether there is an API key", extra={"detail": error.whole})


def post_worker_init(worker: Any) -> None:
    """Set up this process: waiting clients get their responses at once when it has to stop."""
    allow_native_threads(_SETTINGS.api.threads)
    worker.wsgi.extensions[WAITS].stopping = lambda: not worker.alive


def worker_exit(_server: Any, worker: Any) -> None:
    """Send the last spans of this process."""
    # Here, as gunicorn's first process does not need it.
    from api.services import SERVICES

    if hasattr(worker, "wsgi"):  # else it never served
        worker.wsgi.extensions[SERVICES].tracing.close(SEND_SECONDS)


def post_request(_worker: Any, _request: Any, environ: dict[str, Any], _response: Any) -> None:
    """Cut off a client that sends more than is worth reading."""
    close_if_asked(environ)


give_back_large_blocks()
_allow_files(3 * _SETTINGS.api.connections)  # each has a socket, one to the job store, perhaps a file
bind = f"{_SETTINGS.api.host}:{_SETTINGS.api.port}"
wsgi_app = "api.wsgi:create()"
worker_class = "api.server.gunicorn_worker.ApiWorker"  # gevent
workers = 1
worker_connections = _SETTINGS.api.connections
keepalive = 15
forwarded_allow_ips = ""  # the application itself decides which proxies are believed
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
limit_request_line = MAX_REQUEST_LINE
limit_request_fields = MAX_HEADERS
limit_request_field_size = MAX_HEADER
timeout = 20  # of a process that hangs; threads that wait for others do not count
graceful_timeout = 10
accesslog = None
logger_class = PlainLogger
control_socket_disable = True
if os.access(_SHARED_MEMORY, os.W_OK):
    worker_tmp_dir = str(_SHARED_MEMORY)  # a heartbeat file on a slow disk can stall the process
