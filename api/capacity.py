"""How many jobs all live workers run at once, asked for at most once a second."""

import threading
import time

from shared.worker_roster import WorkerRoster

FRESH_SECONDS = 1.0


class Capacity:
    """The places of all live workers. Estimates need them often and need not be fresher than a second."""

    def __init__(self, roster: WorkerRoster) -> None:
        self._roster = roster
        self._lock = threading.Lock()
        self._slots = 0
        self._until = 0.0

    def slots(self) -> int:
        """Return how many jobs all workers carry out at once at full speed; raise StoreUnavailable."""
        if time.monotonic() >= self._until:
            slots = sum(worker.at_full_speed for worker in self._roster.live())
            with self._lock:
                self._slots, self._until = slots, time.monotonic() + FRESH_SECONDS
        with self._lock:
            return self._slots
