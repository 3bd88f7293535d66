"""Checks of the workers that live now."""

import os

import redis

from atelier.doctor import Finding, ok, warn
from atelier.local.redis_server import names_server
from atelier.local.state_folder import read_running
from shared.errors import AtelierError
from shared.redis.client import connect
from shared.settings import Settings
from shared.workers import WorkerRoster, numerics_of

SAME_NUMERICS = (
    "give all workers the same ATELIER_WORKER_KERNELS, ATELIER_WORKER_INTRA_THREADS, version and kind of "
    "processor; `atelier workers list` has each one's"
)


def check_workers(settings: Settings) -> Finding:
    """Compare by what live workers compute: equal jobs have equal bytes where that is equal."""
    running = read_running(settings.state_dir.absolute())
    own = running.redis_url if running else None
    url = settings.redis_url if names_server(os.environ) else own
    if url is None:
        return ok("numerics", "no worker runs here now")
    try:
        with connect(url) as client:
            workers = WorkerRoster(client).live()
    except (redis.RedisError, AtelierError) as error:
        return warn("numerics", f"the workers are not known: {error}", "see what is said of the server")
    found = numerics_of(workers)
    text = ", ".join(f"{name} ({count})" for name, count in found.items())
    if len(found) > 1:
        return warn("numerics", f"workers differ in the last bits of results: {text}", SAME_NUMERICS)
    return ok("numerics", text or "no worker tells its own")
