"""The worker that runs models: takes the doorbells of the lanes, and drains when it has to stop."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable

from shared.cards.card import load_catalog
from shared.errors import StoreUnavailable
from shared.files.style_library import StyleVectors
from shared.images.limits import ImageLimits
from shared.jobs.record import RECORD_SCHEMA
from shared.machine_memory import memory_limit
from shared.metrics.registry import new_registry
from shared.metrics.server import serve_metrics
from shared.queue.celery_app import queue_of
from shared.rollouts.store import RolloutStore
from shared.setting_groups import WorkerSettings
from shared.specs.parts import Lane
from shared.storage.disk_guard import open_disk_guard
from shared.workers import ReloadRequest, Worker
from worker.execution.attempt import AttemptsInFlight
from worker.execution.attempt_span import end_early
from worker.execution.batcher import Batcher
from worker.execution.resources import Resources, StyleCache
from worker.execution.storage_gate import StorageGate
from worker.machine import usable_cores
from worker.memory import give_back, take_pictures_whole
from worker.metrics import JobMetrics, Observer
from worker.models.numerics import own_numerics
from worker.models.prebuilt import prebuilt_store
from worker.models.registry import ModelRegistry
from worker.models.runtime import configure_tensorflow
from worker.models.store import ModelStore
from worker.process.context import WorkerContext
from worker.process.heartbeat import Heartbeat, Liveness, release_all
from worker.process.metrics import ModelWorkerCollector
from worker.process.shared_name import SharedName
from worker.runner import JobRunner

log = logging.getLogger("atelier.worker")

RELEASE_BEFORE_SECONDS = 1.0  # of the end of the grace period
LAST_SPANS_SECONDS = 0.5  # for sending them, where the process has to end at once


class ModelWorker:
    """Serves the lanes."""

    def __init__(self, base: WorkerContext) -> None:
        settings = base.settings
        lanes = served_lanes(settings.worker)
        self.queues = tuple(map(queue_of, lanes))
        self._base = base
        self._held = AttemptsInFlight()
        self._registry = ModelRegistry(
            load_catalog(settings.cards),
            ModelStore(settings.models, prebuilt_store),
            most_bytes=settings.worker.model_bytes or memory_limit() // 2,
            rolled_out=RolloutStore(base.store.scripts).warm,
            in_use=lambda: {name for attempt in self._held.all() for name in attempt.job.spec.all_models},
        )
        self._shared_name = SharedName(base.id, base.roster)
        self._reload_request = ReloadRequest(base.hasty_store.scripts)
        has_room = open_disk_guard(settings, base.objects).has_room_for_results
        storage = StorageGate(base.objects)
        self._liveness = Liveness(
            _worker(base),
            base.roster,
            settings.worker_health,
            models=self._registry.loaded,
            available=self._registry.available,
            has_room=has_room,
            obstacle=lambda: storage.obstacle,
            versions=self._registry.versions,
        )
        # Where nobody reads the numbers, none are kept.
        self._metrics = new_registry("worker")
        observer = JobMetrics(self._metrics) if settings.metrics.port else Observer()
        resources = _resources(base, self._registry.free, observer)
        self._metrics.register(
            ModelWorkerCollector(
                base.id,
                settings.worker.threads,
                self._liveness,
                self._held,
                resources.styles,
                self._registry.loaded,
            )
        )
        self._runner = JobRunner(
            base.id,
            base.store,
            base.queue,
            models=self._registry,
            lanes=lanes,
            resources=resources,
            held=self._held,
            has_room=has_room,
            storage=storage,
            on_cordon=lambda: self._take_doorbells(False),
            observer=observer,
            tracing=base.tracing,
        )
        base.serve_jobs(self._runner.handle)

    def prepare(self) -> None:
        """Load and warm the models, then start the threads that renew leases and notify workers again."""
        worker = self._base.settings.worker
        serve_metrics(self._base.settings.metrics, self._metrics)
        # A call of a model runs in one of TensorFlow's own threads: with fewer of them, runners would queue.
        configure_tensorflow(worker.intra_threads, runners(worker), worker.kernels, lean=True)
        log.info("TensorFlow is loaded", extra={"worker": self._base.id})
        self._registry.preload(worker.preloaded)
        self._liveness.know_numerics(own_numerics().id)
        take_pictures_whole()
        give_back()
        self._base.reaper.start()
        Heartbeat(
            self._base.hasty_store,
            self._held,
            on_beat=self._on_beat,
            on_away=self._liveness.away,
            on_stuck=lambda: self._base.tracing.close(LAST_SPANS_SECONDS),
        )

    def begin(self) -> None:
        """Celery consumes: the worker is ready."""
        self._liveness.begin()
        known = {"slots": self._base.settings.worker.threads, "numerics": own_numerics().id}
        log.info("worker ready", extra={"worker": self._base.id, **known})

    def drain(self) -> None:
        """Claim nothing any more; in the last second of the grace period give back what is not finished."""
        log.info("draining", extra={"jobs": len(self._held.all())})
        self._runner.drain()
        self._liveness.end()
        threading.Thread(target=self._release_late, name="drain", daemon=True).start()

    def _on_beat(self) -> None:
        silence = self._base.pulse.silence_seconds
        self._liveness.check_turning(silence)
        self._liveness.progress(silence)
        if self._reload_request.is_new():
            threading.Thread(target=self._registry.refresh, name="reload", daemon=True).start()
        self._shared_name.check()
        self._take_doorbells(not self._base.roster.is_cordoned(self._base.id))
        self._liveness.check_consuming(
            doorbells_wait=self._base.doorbells_wait(self.queues),
            is_idle=not self._held.all() and self._base.intake.is_open,
            last_doorbell=self._runner.last_doorbell,
        )

    def _take_doorbells(self, is_open: bool) -> None:
        """Take doorbells, or leave them to others while this worker is cordoned."""
        if is_open != self._base.intake.is_open:
            log.info("taking jobs again" if is_open else "cordoned", extra={"worker": self._base.id})
        self._base.intake.set_open(is_open)

    def _release_late(self) -> None:
        time.sleep(max(0.0, self._base.settings.worker.grace_seconds - RELEASE_BEFORE_SECONDS))
        if held := self._held.all():
            self._hand_on(release_all(self._base.hasty_store, held))
            end_early(held, "shutdown")
            self._base.tracing.close(LAST_SPANS_SECONDS)
            os._exit(0)

    def _hand_on(self, released: Iterable[tuple[str, Lane]]) -> None:
        """Notify the workers that stay at once: the reaper would do so later."""
        for job_id, lane in released:
            try:
                self._base.hasty_queue.notify(job_id, lane)
            except StoreUnavailable as error:
                log.warning("notification failed", extra={"job_id": job_id, "detail": error.whole})


def _worker(base: WorkerContext) -> Worker:
    """Return what this worker is, without its models."""
    settings = base.settings.worker
    return Worker(
        base.id,
        settings.threads,
        (),
        runners(settings),
        schema=RECORD_SCHEMA,
        labels=settings.all_labels,
        memory_bytes=memory_limit(),
        lane=settings.lane,
    )


def _resources(base: WorkerContext, free: Callable[[], None], observer: Observer) -> Resources:
    return Resources(
        base.objects,
        Batcher(runners(base.settings.worker), observer.called),
        StyleCache(),
        ImageLimits.of(base.settings.limits),
        StyleVectors(base.client),
        free,
        own_numerics,
        marks=base.settings.output.mark,
        photo_batch=base.settings.worker.photo_batch,
    )


def served_lanes(worker: WorkerSettings) -> tuple[Lane, ...]:
    """Return the lanes of which a worker takes jobs."""
    return (Lane(worker.lane),) if worker.lane else tuple(Lane)


def runners(worker: WorkerSettings) -> int:
    """Return how many threads run models at once."""
    return worker.runners or usable_cores()
