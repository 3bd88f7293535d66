"""Waiting for a service to be ready, and for its workers to know models that were just pulled."""

import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from atelier.local.state_folder import running_server_url
from shared.errors import StoreUnavailable
from shared.redis.client import connect
from shared.settings import Settings
from shared.workers import WorkerRoster

NOTICE_SECONDS = 6.0  # a worker reads its model store at every heartbeat
ASK_EVERY_SECONDS = 0.05
RESPONSE_SECONDS = 2.0


def is_ready(url: str) -> bool:
    """Whether the service takes jobs and a worker with warm models is there to do them."""
    return _is_ok(f"{url}/readyz")


def is_alive(url: str) -> bool:
    """Whether the API responds at all."""
    return _is_ok(f"{url}/healthz")


def _is_ok(url: str) -> bool:
    # Not by httpx, which reads all certificates of this machine for each client: it is asked every second.
    parts = urlsplit(url)
    with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=RESPONSE_SECONDS)) as connection:
        try:
            connection.request("GET", parts.path)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False


class ReadyWatch:
    """Asks in a thread until the service is ready, or something else holds of it, or until `stop`."""

    def __init__(self, url: str, holds: Callable[[str], bool] = is_ready) -> None:
        self._url = url
        self._holds = holds
        self._ready = threading.Event()
        self._stopped = threading.Event()
        threading.Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        while not self._holds(self._url):
            if self._stopped.wait(ASK_EVERY_SECONDS):
                return
        self._ready.set()

    def has_succeeded(self) -> bool:
        """Whether the service has been ready."""
        return self._ready.is_set()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()


def await_notice(settings: Settings, names: Collection[str], *, seconds: float = NOTICE_SECONDS) -> None:
    """Return when live workers have each model, when no worker lives, or after `seconds`."""
    url = running_server_url(settings)
    if not url:
        return
    with connect(url, timeout_seconds=1, retries=0) as client, suppress(StoreUnavailable):
        roster, deadline = WorkerRoster(client), time.monotonic() + seconds
        while time.monotonic() < deadline and (workers := roster.live()):
            if all(any(worker.has(name) for worker in workers) for name in names):
                return
            time.sleep(0.1)
