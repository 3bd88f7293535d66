"""The worker for what needs no model: bytes that no record names, webhooks, bulk actions, and places."""

import logging
import threading
import time

from shared.actions.runner import ActionRunner
from shared.errors import AtelierError
from shared.maintenance.garbage import GRACE_SECONDS, Collected, Reason, collect, plan
from shared.maintenance.reclaim import Reclaimer
from shared.metrics.registry import new_registry
from shared.metrics.server import serve_metrics
from shared.queue.celery_app import DELIVER, IO_QUEUE, SWEEP
from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX, Keys
from shared.redis.memory_guard import MemoryGuard
from shared.setting_groups import DiskRules
from shared.storage.base import ObjectStore
from shared.storage.disk_guard import open_disk_guard
from worker.health import WorkerHealth
from worker.process.context import WorkerContext
from worker.process.io_metrics import IoWorkerCollector
from worker.process.transfers import transfer_runner
from worker.webhooks.dispatcher import dispatcher_of

log = logging.getLogger("atelier.io")

LOOK_SECONDS = 60.0  # between two looks at whether it is time
_TURN_SECONDS = 600  # a turn whose worker died is taken by another after this
_RENEW_SECONDS = 60.0
_FEW = 100  # orphans; this number is never a sign that the records are lost
BEAT_SECONDS = 2.0
NOT_READY = "the worker is starting or stopping"


class Collector:
    """A thread of the io worker."""

    def __init__(
        self,
        client: Client,
        objects: ObjectStore,
        rules: DiskRules,
        *,
        grace_seconds: float = GRACE_SECONDS,
        prefix: str = PREFIX,
    ) -> None:
        self._client = client
        self._objects = objects
        self._rules = rules
        self._grace = grace_seconds
        self._turn = Keys(prefix)("collecting")  # set by the worker that collects, until the next time
        self._renewed = 0.0
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin, in a thread of its own, unless the settings say never."""
        if self._rules.collect_hours:
            threading.Thread(target=self._run, name="collector", daemon=True).start()

    def stop(self) -> None:
        """Begin no other collection."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.collect_if_due()
            except AtelierError as error:  # the turn expires, and a worker tries again
                log.warning("collection failed", extra={"code": error.code, "detail": error.whole})

    def collect_if_due(self) -> Collected | None:
        """Remove the orphans when it is time and no other worker does; return what was removed, or None."""
        with store_errors():
            if not self._client.set(self._turn, 1, nx=True, ex=_TURN_SECONDS):
                return None
        done = None if self._records_look_lost() else self._collect()
        with store_errors():
            self._client.expire(self._turn, int(self._rules.collect_hours * 3600))
        return done

    def _collect(self) -> Collected:
        done = collect(
            self._client, self._objects, grace_seconds=self._grace, on_removed=lambda _: self._renew()
        )
        log.info("collected", extra={"objects": done.objects, "bytes": done.bytes})
        return done

    def _records_look_lost(self) -> bool:
        """Whether most of what is stored has no record: then the server is a wrong or an emptied one."""
        seen = forgotten = 0

        def note(count: int) -> None:
            nonlocal seen
            seen = count
            self._renew()

        for orphan in plan(self._client, self._objects, grace_seconds=self._grace, on_looked=note):
            forgotten += orphan.reason is Reason.FORGOTTEN
        if forgotten < _FEW or forgotten * 2 < seen:
            return False
        log.error(
            "most stored objects have no record; nothing is removed. Is this the right server? If it is, "
            "run `atelier gc`",
            extra={"objects": seen, "without_record": forgotten},
        )
        return True

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._renewed > _RENEW_SECONDS:
            self._renewed = now
            with store_errors():
                self._client.expire(self._turn, _TURN_SECONDS)


class IoWorker:
    """Serves the io queue. Imports no TensorFlow."""

    queues = (IO_QUEUE,)

    def __init__(self, base: WorkerContext) -> None:
        self._base = base
        self._health = WorkerHealth(base.settings.worker_health, NOT_READY)
        self._dispatcher = dispatcher_of(base.store, base.settings, tracing=base.tracing)
        self._collector = Collector(base.client, base.objects, base.settings.disk)
        parts = (base.store, base.batches, base.objects, base.garbage)
        self._reclaimer = Reclaimer(*parts, base.settings.disk)
        memory = MemoryGuard(base.client, base.settings.store.full_percent)
        self._actions = ActionRunner(base.store, memory)
        self._metrics = new_registry("worker-io")
        disk = open_disk_guard(base.settings, base.objects)
        self._metrics.register(IoWorkerCollector(base.id, self._health, disk))
        self._transfers = transfer_runner(base, memory)
        base.celery.task(name=SWEEP)(self._sweep)
        base.celery.task(name=DELIVER)(self._dispatcher.run)

    def _sweep(self) -> None:
        try:
            while done := self._base.garbage.sweep():
                log.info("swept", extra={"entries": done})
        except AtelierError as error:
            # What is left stays on the list; the reaper sends another doorbell.
            log.warning("sweep failed", extra={"code": error.code, "detail": error.whole})

    def prepare(self) -> None:
        """Start the reaper, the health file and the port for metrics."""
        serve_metrics(self._base.settings.metrics, self._metrics)
        self._base.reaper.start()
        self._collector.start()
        self._reclaimer.start()
        self._actions.start()
        self._transfers.start()
        threading.Thread(target=self._run_heartbeat, name="heartbeat", daemon=True).start()

    def begin(self) -> None:
        """Celery consumes: the worker is ready."""
        self._health.begin()
        log.info("worker ready", extra={"worker": self._base.id})

    def drain(self) -> None:
        """Stop: what is under way ends by itself, and the next worker goes on with the rest."""
        self._health.end(NOT_READY)
        self._dispatcher.stop()
        self._collector.stop()
        self._reclaimer.stop()
        self._actions.stop()
        self._transfers.stop()

    def _run_heartbeat(self) -> None:
        while True:
            self._beat()
            time.sleep(BEAT_SECONDS)

    def _beat(self) -> None:
        silence = self._base.pulse.silence_seconds
        self._health.check_turning(silence)
        try:
            self._base.doorbells_wait(self.queues)
        except AtelierError as error:
            self._health.away(error.whole)
        else:
            self._health.progress(silence)
