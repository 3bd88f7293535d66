"""What every worker process is built on: connections, storage, the queue and the reaper."""

import os
import secrets
import socket

from celery import Celery

from shared.garbage import Garbage
from shared.job_queue import JobQueue, make_celery
from shared.job_store import JobStore
from shared.object_store import open_object_store
from shared.reaper import Reaper
from shared.redis_server import answering, connect
from shared.settings import Settings
from shared.worker_roster import WorkerRoster


def new_worker_id() -> str:
    """Return an id that tells host and process, and differs after a restart."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Foundation:
    """What model workers and io workers share: connections, queue, reaper."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.id = new_worker_id()
        self.client = connect(settings.redis_url)
        self.store = JobStore(self.client, settings.jobs)
        self.objects = open_object_store(settings.storage)
        self.garbage = Garbage(self.client, self.objects)
        self.celery: Celery = make_celery(settings)
        self.queue = JobQueue(self.celery, self.client)
        self.roster = WorkerRoster(self.client)
        self.reaper = Reaper(self.store, self.queue, self.garbage)

    def rings_wait(self, queues: tuple[str, ...]) -> bool:
        """Whether any of the queues holds a message."""
        with answering():
            return any(self.client.llen(name) for name in queues)
