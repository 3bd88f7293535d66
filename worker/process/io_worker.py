"""The worker for what needs no model: it removes bytes that no record names, and delivers webhooks."""

import logging
import os
import threading
import time

from shared.errors import AtelierError
from shared.queue.celery_app import IO_QUEUE
from shared.workers.health import Health, write_health
from worker.process.context import WorkerContext
from worker.process.heartbeat import EXIT_STUCK
from worker.process.liveness import STUCK_SECONDS
from worker.process.orphan_collector import Collector
from worker.process.tasks import serve_deliveries, serve_sweeps
from worker.webhooks.dispatcher import dispatcher_of

log = logging.getLogger("atelier.io")

BEAT_SECONDS = 2.0


class IoWorker:
    """Serves the io queue. Imports no TensorFlow."""

    queues = (IO_QUEUE,)

    def __init__(self, base: WorkerContext) -> None:
        self._base = base
        self._ready = False
        self._dispatcher = dispatcher_of(base.store, base.settings)
        self._collector = Collector(base.client, base.objects, base.settings.disk)
        serve_sweeps(base.celery, self._sweep)
        serve_deliveries(base.celery, self._dispatcher.run)

    def _sweep(self) -> None:
        try:
            while done := self._base.garbage.sweep():
                log.info("swept", extra={"entries": done})
        except AtelierError as error:
            # What is left stays on the list; the reaper rings again.
            log.warning("sweep failed", extra={"code": error.code, "detail": error.detail})

    def prepare(self) -> None:
        """Start the reaper and the health file."""
        self._base.reaper.start()
        self._collector.start()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def begin(self) -> None:
        """Celery consumes: the worker is ready."""
        self._ready = True
        self._note()
        log.info("worker ready", extra={"worker": self._base.id})

    def drain(self) -> None:
        """Stop: what is under way ends by itself, and the next worker goes on with the rest."""
        self._ready = False
        self._dispatcher.stop()
        self._collector.stop()

    def _beat(self) -> None:
        while True:
            self._note()
            time.sleep(BEAT_SECONDS)

    def _note(self) -> None:
        reason = "" if self._ready else "the worker is starting or stopping"
        silence = self._base.pulse.silence_seconds
        if self._ready and silence > STUCK_SECONDS:
            log.error("the consume loop stands still; ending this process")
            os._exit(EXIT_STUCK)
        try:
            self._base.rings_wait(self.queues)
        except AtelierError as error:
            reason = error.detail
        write_health(self._base.settings.worker_health, Health.of_this_process(reason, ()))
