"""Finds that another live worker has this one's name: a cordon of one would then hold for both."""

import logging
import time

from shared.errors import StoreUnavailable
from shared.workers import STALE_AFTER_SECONDS, WorkerRoster, name_of

log = logging.getLogger("atelier.worker")

CHECK_SECONDS = STALE_AFTER_SECONDS + 5.0  # a worker that crashed is off the roster by then


class SharedName:
    """Warns once of each worker that has lived beside this one, under its name, for longer than a restart."""

    def __init__(self, worker_id: str, roster: WorkerRoster) -> None:
        self._id = worker_id
        self._roster = roster
        self._next = 0.0
        self._seen: set[str] = set()
        self._told: set[str] = set()

    def check(self) -> None:
        """Look at the roster now and then."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + CHECK_SECONDS
        others = self._others()
        for other in sorted(others & self._seen - self._told):
            log.warning(
                "another worker has this name; set ATELIER_WORKER_NAME for one of them",
                extra={"worker": self._id, "other": other},
            )
            self._told.add(other)
        self._seen = others

    def _others(self) -> set[str]:
        try:
            live = {worker.id for worker in self._roster.live()}
        except StoreUnavailable:
            return set()
        return {each for each in live if name_of(each) == name_of(self._id)} - {self._id}
