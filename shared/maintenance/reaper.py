"""The reaper: reclaims jobs of dead workers and notifies workers of waiting jobs. Several may run at once."""

import logging
import threading
from collections.abc import Callable

from shared.batches.store import BatchStore
from shared.errors import AtelierError
from shared.jobs.store import JobStore
from shared.maintenance.garbage import Garbage
from shared.pauses.store import PauseStore
from shared.queue.job_queue import MOST_DOORBELLS, JobQueue
from shared.redis.client import store_errors
from shared.webhooks.store import Deliveries

log = logging.getLogger("atelier.reaper")

PASSES_PER_LEASE = 10
HOUSEKEEPING_PASSES = 60  # once in this number of passes, expired records are deleted as well
SHARE_OF_PERIOD = 0.9  # for which a pass is enough for all processes: none waits for its own to come round


class Reaper:
    """One thread that makes a pass every tenth of a lease, and at least twice per notification interval.

    Those of many processes share the passes: each asks the server first whether another one made it just now.
    """

    def __init__(self, store: JobStore, batches: BatchStore, queue: JobQueue, garbage: Garbage) -> None:
        self._store = store
        self._batches = batches
        self._queue = queue
        self._garbage = garbage
        self._deliveries = Deliveries(store)
        self._pauses = PauseStore(store.scripts)
        self._period = min(store.rules.lease_seconds / PASSES_PER_LEASE, store.rules.ring_seconds / 2)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reaper", daemon=True)
        self._passes = 0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current pass."""
        self._stopping.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopping.wait(self._period):
            if not self._is_due():
                continue
            _log_errors(self.end_pauses)
            _log_errors(self.pass_once)
            _log_errors(self.notify_webhooks)
            _log_errors(self._batches.go_on)
            _log_errors(self._store.settle)
            self._passes += 1
            if self._passes % HOUSEKEEPING_PASSES == 0:
                _log_errors(self.clean_up)

    def _is_due(self) -> bool:
        """Whether no other process makes this pass. One that dies with it is replaced in the next period."""
        milliseconds = max(1, int(self._period * 1000 * SHARE_OF_PERIOD))
        try:
            with store_errors():
                taken = self._store.client.set(
                    self._store.scripts.keys("reaping"), 1, nx=True, px=milliseconds
                )
        except AtelierError:  # a server that is full takes no such key, and needs the pass
            return True
        return bool(taken)

    def pass_once(self) -> None:
        """End jobs past their deadline, reclaim expired leases, and notify workers of waiting jobs."""
        reaped = self._store.reap(most_waiting=MOST_DOORBELLS)
        for job_id in reaped.expired:
            log.warning("deadline passed; job expired", extra={"job_id": job_id})
        for job_id in reaped.reclaimed:
            log.warning("lease ran out; job taken back", extra={"job_id": job_id})
        for line in reaped.lines:
            self._queue.notify_for(line.waiting, line.first, line.lane)

    def end_pauses(self) -> None:
        """End pauses whose time is over; the pass after this notifies workers of what they kept waiting."""
        for pause in self._pauses.renew():
            log.info("pause ended", extra={"pause": pause.id, "reason": pause.reason})
        self._batches.wake()

    def notify_webhooks(self) -> None:
        """Notify the io worker if webhooks are due."""
        if self._queue.io_doorbells() < MOST_DOORBELLS and self._deliveries.should_notify():
            self._queue.request_deliveries()

    def clean_up(self) -> None:
        """Delete expired jobs, batches and files, and request the removal of their bytes."""
        self._garbage.add_expired_files()
        self._batches.clean_up()
        if self._store.expire() or len(self._garbage):
            self._queue.request_sweep()


def _log_errors(step: Callable[[], None]) -> None:
    try:
        step()
    except AtelierError as error:
        log.warning("reaper pass failed", extra={"code": error.code, "detail": error.whole})
    except Exception:  # without a reaper, lost jobs stay lost: the thread must continue
        log.exception("reaper pass met a fault of the program")
