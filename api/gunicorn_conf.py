"""gunicorn's configuration: one process, threads, our log. Read as `--config python:api.gunicorn_conf`."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from api.server.connections import WAITS, close_if_asked
from api.server.gunicorn_worker import MAX_HEADER, MAX_HEADERS, MAX_REQUEST_LINE
from shared.logs import configure_logs
from shared.settings import EXIT_CONFIGURATION, Settings, SettingsError
from shared.storage.places import check_cards, check_storage


def _usable_settings() -> Settings:
    """Return the settings of a place that can be used; else print one sentence with the reason, and exit."""
    try:
        settings = Settings.from_env()
        configure_logs(settings.log_format, settings.log_level)
        check_storage(settings)
        check_cards(settings)
    except SettingsError as error:
        sys.stderr.write(f"configuration: {error}\n")
        raise SystemExit(EXIT_CONFIGURATION) from error
    return settings


_SETTINGS = _usable_settings()
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108


class PlainLogger(Logger):  # type: ignore[misc]
    """gunicorn's messages through the program's own log."""

    def setup(self, cfg: Any) -> None:
        """Leave writing to the root logger. No access log: the application logs requests itself."""
        configure_logs(_SETTINGS.log_format, _SETTINGS.log_level)
        self.error_log.handlers[:] = []
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING if _SETTINGS.log_level == "INFO" else _SETTINGS.log_level)


def post_worker_init(worker: Any) -> None:
    """Have waiting clients get their responses at once when this process has to stop."""
    worker.wsgi.extensions[WAITS].stopping = lambda: not worker.alive


def post_request(_worker: Any, _request: Any, environ: dict[str, Any], _response: Any) -> None:
    """Cut off a client that sends more than is worth reading."""
    close_if_asked(environ)


bind = f"{_SETTINGS.api.host}:{_SETTINGS.api.port}"
wsgi_app = "api.wsgi:create()"
worker_class = "api.server.gunicorn_worker.ApiWorker"  # threads
workers = 1
threads = _SETTINGS.api.threads
worker_connections = 1000
keepalive = 15
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
