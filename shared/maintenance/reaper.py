"""The reaper: takes back what dead workers held, rings what nobody claimed. Any number may run at once."""

import logging
import threading
from collections.abc import Callable

from shared.batches.store import BatchStore
from shared.errors import AtelierError
from shared.jobs.store import JobStore
from shared.maintenance.garbage import Garbage
from shared.queue.job_queue import MOST_DOORBELLS, JobQueue
from shared.webhooks.store import Deliveries

log = logging.getLogger("atelier.reaper")

PASSES_PER_LEASE = 10
HOUSEKEEPING_PASSES = 60  # one pass in so many also forgets old jobs


class Reaper:
    """One thread that makes a pass every tenth of a lease, and sooner than a ring is due."""

    def __init__(self, store: JobStore, batches: BatchStore, queue: JobQueue, garbage: Garbage) -> None:
        self._store = store
        self._batches = batches
        self._queue = queue
        self._garbage = garbage
        self._deliveries = Deliveries(store)
        self._period = min(store.rules.lease_seconds / PASSES_PER_LEASE, store.rules.ring_seconds / 2)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reaper", daemon=True)
        self._passes = 0

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End after the pass under way."""
        self._stopping.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopping.wait(self._period):
            _survive(self.pass_once)
            _survive(self.ring_webhooks)
            _survive(self._batches.go_on)
            _survive(self._store.settle)
            self._passes += 1
            if self._passes % HOUSEKEEPING_PASSES == 0:
                _survive(self.keep_house)

    def pass_once(self) -> None:
        """End what is past its deadline, take back expired leases, and ring for what waits."""
        reaped = self._store.reap(most_waiting=MOST_DOORBELLS)
        for job_id in reaped.expired:
            log.warning("deadline passed; job expired", extra={"job_id": job_id})
        for job_id in reaped.taken_back:
            log.warning("lease ran out; job taken back", extra={"job_id": job_id})
        for line in reaped.lines:
            self._queue.notify_for(line.waiting, line.first, line.lane)

    def ring_webhooks(self) -> None:
        """Ring the io worker when webhooks are due."""
        if self._queue.io_doorbells() < MOST_DOORBELLS and self._deliveries.should_ring():
            self._queue.request_deliveries()

    def keep_house(self) -> None:
        """Forget jobs, batches and files whose time to live is over, and have their bytes removed."""
        self._garbage.add_expired_files()
        self._batches.keep_house()
        if self._store.expire() or len(self._garbage):
            self._queue.request_sweep()


def _survive(step: Callable[[], None]) -> None:
    try:
        step()
    except AtelierError as error:
        log.warning("reaper pass failed", extra={"code": error.code, "detail": error.detail})
    except Exception:  # without a reaper lost jobs stay lost: it outlives every surprise
        log.exception("reaper pass met a fault of the program")
