"""The queue's numbers at one moment, as `/v1/stats` has them, and what is counted beside it."""

import logging
import threading
import time
from dataclasses import dataclass

from shared.errors import AtelierError
from shared.jobs.stats import Stats, read_stats
from shared.metrics.totals import Totals, totals_from_record
from shared.redis.client import store_errors
from shared.redis.memory_guard import StoreMemory, read_memory
from shared.redis.scripts import Scripts
from shared.workers import Worker, WorkerRoster

log = logging.getLogger("atelier.metrics")

FRESH_SECONDS = 1.0  # for which scrapes share one reading: two Prometheus servers ask at once


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a scrape tells of the queue."""

    stats: Stats
    workers: tuple[Worker, ...]
    totals: Totals
    memory: StoreMemory
    due_at: int | None  # when the first delivery is or was due: milliseconds; None where none waits


def read_snapshot(scripts: Scripts, roster: WorkerRoster) -> Snapshot:
    """Read all of it; raise StoreUnavailable."""
    workers = roster.live()
    stats = read_stats(scripts, workers)
    with store_errors():
        pipeline = scripts.client.pipeline(transaction=False)
        pipeline.hgetall(scripts.keys("totals"))
        pipeline.zrange(scripts.keys("webhook_hosts"), 0, 0, withscores=True)
        totals, hosts = pipeline.execute()
    due_at = int(hosts[0][1]) if hosts else None
    return Snapshot(stats, workers, totals_from_record(totals), read_memory(scripts.client), due_at)


class SnapshotReader:
    """Reads once for all who ask at about the same time. Safe for many threads."""

    def __init__(self, scripts: Scripts, roster: WorkerRoster) -> None:
        self._scripts = scripts
        self._roster = roster
        self._lock = threading.Lock()
        self._known: Snapshot | None = None
        self._until = 0.0

    def read(self) -> Snapshot | None:
        """Return numbers of the last second; None where they could not be read."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._known = self._tried()
                self._until = time.monotonic() + FRESH_SECONDS
            return self._known

    def _tried(self) -> Snapshot | None:
        try:
            return read_snapshot(self._scripts, self._roster)
        except AtelierError as error:
            log.warning("the queue's numbers cannot be read", extra={"detail": error.whole})
            return None
