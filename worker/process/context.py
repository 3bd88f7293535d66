"""What every worker process is built on: connections, storage, the queue and the reaper."""

import os
import secrets
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from celery import Celery

from shared.batches.store import BatchStore
from shared.jobs.store import JobStore
from shared.maintenance.garbage import Garbage
from shared.maintenance.reaper import Reaper
from shared.queue.celery_app import RUN_JOB, make_celery
from shared.queue.consumer import Intake, Pulse, WorkerConsumer
from shared.queue.job_queue import JobQueue
from shared.redis.client import Client, connect, store_errors
from shared.settings import Settings
from shared.specs.parts import Lane
from shared.storage.object_store import open_storage
from shared.tracing.choice import open_tracing
from shared.workers import WorkerRoster

PATIENCE_OF_LEASE = 0.3  # of a beat with the server: its second try comes before the lease ends
LEAST_PATIENCE_SECONDS = 0.5


def new_worker_id(name: str) -> str:
    """Return an id that tells name and process, and differs after a restart."""
    return f"{name}-{os.getpid()}-{secrets.token_hex(3)}"


class WorkerContext:
    """What model workers and io workers share: connections, queue, reaper."""

    def __init__(self, settings: Settings, service: str = "atelier-worker") -> None:
        self.settings = settings
        self.id = new_worker_id(settings.worker.name_of(1, socket.gethostname()))
        self.client = connect(settings.redis_url)
        self.store = JobStore(self.client, settings.jobs, settings.quota)
        self.batches = BatchStore(self.store, settings.batches)
        self.objects = open_storage(settings)
        self.garbage = Garbage(self.client, self.objects)
        self.celery: Celery = make_celery(settings)
        self.queue = JobQueue(self.celery, self.client)
        self.reaper = Reaper(self.store, self.batches, self.queue, self.garbage)
        self.hasty_client = _hasty_client(settings)
        self.hasty_store = JobStore(self.hasty_client, settings.jobs, settings.quota)
        self.hasty_queue = JobQueue(self.celery, self.hasty_client)
        self.roster = WorkerRoster(self.hasty_client)
        self.tracing = open_tracing(service, self.id)
        self.pulse, self.intake = Pulse(), Intake()
        self.celery.conf.worker_consumer = partial(WorkerConsumer, pulse=self.pulse, intake=self.intake)

    def serve_jobs(self, handle: Callable[[str, Lane], None]) -> None:
        """Register the task that a doorbell names; it calls `handle` with the job's id and the lane."""

        def run_job(task: Any, job_id: str) -> None:
            handle(job_id, _lane(task.request.delivery_info))

        self.celery.task(name=RUN_JOB, bind=True)(run_job)

    def doorbells_wait(self, queues: tuple[str, ...]) -> bool:
        """Whether any of the queues holds a message."""
        with store_errors():
            return any(self.hasty_client.llen(name) for name in queues)


def _hasty_client(settings: Settings) -> Client:
    """Return a client for what must not wait: a dead connection is given up while the lease still holds."""
    seconds = max(LEAST_PATIENCE_SECONDS, settings.jobs.lease_seconds * PATIENCE_OF_LEASE)
    return connect(settings.redis_url, max_connections=16, timeout_seconds=seconds, retries=1)


def _lane(delivery_info: Mapping[str, Any] | None) -> Lane:
    """Return the lane by which a message came."""
    name = str((delivery_info or {}).get("routing_key", "")).rpartition(".")[2]
    return Lane(name) if name in set(Lane) else Lane.INTERACTIVE
