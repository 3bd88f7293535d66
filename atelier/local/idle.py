"""Whether an installation has nothing to do: for work that makes way for every job."""

import time
from collections.abc import Callable

from shared.errors import StoreUnavailable
from shared.jobs.stats import read_stats
from shared.redis.client import connect
from shared.redis.scripts import Scripts

QUIET_SECONDS = 60.0
_LOOKS = 60  # within that time


def busy_check(redis_url: str) -> Callable[[], bool]:
    """Return what says whether a job waits or runs; yes where the server does not say."""
    scripts = Scripts(connect(redis_url))

    def is_busy() -> bool:
        try:
            total = read_stats(scripts, ()).total
        except StoreUnavailable:
            return True
        return bool(total.waiting or total.running)

    return is_busy


def await_idle(is_busy: Callable[[], bool], seconds: float = QUIET_SECONDS) -> None:
    """Return when nothing has been busy for so many seconds."""
    since = time.monotonic()
    while time.monotonic() - since < seconds:
        time.sleep(seconds / _LOOKS)
        if is_busy():
            since = time.monotonic()
