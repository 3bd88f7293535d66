"""The worker for what needs no model: it removes bytes that no record names, and delivers webhooks."""

import logging
import threading
import time

from shared.errors import AtelierError
from shared.queue.celery_app import DELIVER, IO_QUEUE, SWEEP
from worker.health import WorkerHealth
from worker.process.context import WorkerContext
from worker.process.orphan_collector import Collector
from worker.webhooks.dispatcher import dispatcher_of

log = logging.getLogger("atelier.io")

BEAT_SECONDS = 2.0
NOT_READY = "the worker is starting or stopping"


class IoWorker:
    """Serves the io queue. Imports no TensorFlow."""

    queues = (IO_QUEUE,)

    def __init__(self, base: WorkerContext) -> None:
        self._base = base
        self._health = WorkerHealth(base.settings.worker_health, NOT_READY)
        self._dispatcher = dispatcher_of(base.store, base.settings)
        self._collector = Collector(base.client, base.objects, base.settings.disk)
        base.celery.task(name=SWEEP)(self._sweep)
        base.celery.task(name=DELIVER)(self._dispatcher.run)

    def _sweep(self) -> None:
        try:
            while done := self._base.garbage.sweep():
                log.info("swept", extra={"entries": done})
        except AtelierError as error:
            # What is left stays on the list; the reaper sends another doorbell.
            log.warning("sweep failed", extra={"code": error.code, "detail": error.detail})

    def prepare(self) -> None:
        """Start the reaper and the health file."""
        self._base.reaper.start()
        self._collector.start()
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
            self._health.away(error.detail)
        else:
            self._health.progress(silence)
