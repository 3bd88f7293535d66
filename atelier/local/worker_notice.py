"""Waits until the workers of a running service know of models that were just pulled."""

import os
import time
from collections.abc import Collection
from contextlib import suppress

from atelier.local.processes import names_server
from atelier.local.run_file import read_record
from shared.errors import StoreUnavailable
from shared.redis.client import connect
from shared.settings import Settings
from shared.workers import WorkerRoster

NOTICE_SECONDS = 6.0  # a worker looks at its model store at every heartbeat


def await_notice(settings: Settings, names: Collection[str], *, seconds: float = NOTICE_SECONDS) -> None:
    """Return when live workers have each model, so that jobs may name it; or none lives, or time is over."""
    url = _server_url(settings)
    if not url:
        return
    with connect(url, timeout_seconds=1, retries=0) as client, suppress(StoreUnavailable):
        roster, deadline = WorkerRoster(client), time.monotonic() + seconds
        while time.monotonic() < deadline and (workers := roster.live()):
            if all(any(worker.has(name) for worker in workers) for name in names):
                return
            time.sleep(0.1)


def _server_url(settings: Settings) -> str:
    if names_server(os.environ):
        return settings.redis_url
    running = read_record(settings.state_dir.absolute())
    return running.redis_url if running is not None and running.is_running else ""
