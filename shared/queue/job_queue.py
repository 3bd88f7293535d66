"""Notifies workers of waiting jobs. The doorbell is a Celery message that carries only a job's id.

A script puts the messages into the lists of kombu's Redis transport. It may write while the server is out of
memory, so that accepted jobs go on, and it is faster than `send_task`. It relies on the form of messages in
Celery and kombu 5.7: `tests/shared/queue/test_job_queue.py` compares it with messages that they make.
"""

import base64
import json
import uuid
from typing import Any

from celery import Celery
from kombu import Connection

from shared.queue.celery_app import DELIVER, IO_QUEUE, RUN_JOB, SWEEP, queue_of
from shared.redis.client import Client, store_errors
from shared.redis.scripts import Scripts
from shared.specs.parts import Lane
from shared.workers import Doorbell, WorkerRoster

MOST_DOORBELLS = 64  # in a queue's list; the thread that takes one continues with all waiting jobs


class JobQueue:
    """Sends doorbells. The reaper replaces a lost one; a superfluous one has no effect."""

    def __init__(self, app: Celery, client: Client) -> None:
        self._client = client
        self._scripts = Scripts(client)
        self._roster = WorkerRoster(client)
        self._bells = {lane: DoorbellForm(app, RUN_JOB, queue_of(lane)) for lane in Lane}
        self._sweep_bell = DoorbellForm(app, SWEEP, IO_QUEUE)
        self._deliver_bell = DoorbellForm(app, DELIVER, IO_QUEUE)

    def doorbell(self, job_id: str, lane: Lane) -> Doorbell:
        """Return the doorbell for a new job."""
        return Doorbell(queue_of(lane), self._bells[lane].text(job_id), MOST_DOORBELLS)

    def notify(self, job_id: str, lane: Lane) -> None:
        """Notify the workers of a lane of a waiting job, unless the list already has enough doorbells.

        The thread that takes the doorbell runs the next job of the queue; the id is only for tracing.
        Raises StoreUnavailable.
        """
        self._put(queue_of(lane), self._bells[lane].text(job_id))

    def notify_for(self, waiting: int, job_id: str, lane: Lane) -> None:
        """Send doorbells until there is one for each waiting job, or for each slot of the workers."""
        with store_errors():
            present = int(self._client.llen(queue_of(lane)))
        if waiting <= present:
            return
        missing = min(waiting, self._slots(lane), MOST_DOORBELLS) - present
        if missing > 0:
            self._put(queue_of(lane), *(self._bells[lane].text(job_id) for _ in range(missing)))

    def _slots(self, lane: Lane) -> int:
        """Return how many jobs of a lane run at once at most; more doorbells would find no free slot."""
        serving = (worker for worker in self._roster.live() if worker.takes_jobs and worker.serves(lane))
        return sum(worker.slots for worker in serving) or MOST_DOORBELLS

    def request_sweep(self) -> None:
        """Request the removal of bytes that no record names any more."""
        self._put(IO_QUEUE, self._sweep_bell.text())

    def request_deliveries(self) -> None:
        """Request the delivery of the webhooks that are due."""
        self._put(IO_QUEUE, self._deliver_bell.text())

    def io_doorbells(self) -> int:
        """Return how many doorbells the io worker has not taken yet."""
        with store_errors():
            return int(self._client.llen(IO_QUEUE))

    def _put(self, queue: str, *messages: str) -> None:
        self._scripts.run("workers/notify", queue, MOST_DOORBELLS, *messages)


class DoorbellForm:
    """Builds messages for one task, in the form that kombu's Redis transport keeps in a queue's list.

    Celery creates the first message. Later messages differ only in their ids and arguments.
    """

    def __init__(self, app: Celery, task: str, queue: str) -> None:
        with Connection("memory://") as broker:
            app.send_task(task, queue=queue, ignore_result=True, retry=False, connection=broker)
            written = broker.default_channel.basic_get(queue, no_ack=True).serializable()
        self._message: dict[str, Any] = written
        *_, self._options = json.loads(base64.b64decode(written["body"]))  # no callbacks and the like

    def text(self, *arguments: str) -> str:
        """Return a message that calls the task with these arguments."""
        task_id = str(uuid.uuid4())
        body = json.dumps([arguments, {}, self._options]).encode()
        ids = {"id": task_id, "root_id": task_id, "argsrepr": repr(arguments)}
        tags = {"correlation_id": task_id, "delivery_tag": str(uuid.uuid4())}
        message = {
            **self._message,
            "body": base64.b64encode(body).decode(),
            "headers": {**self._message["headers"], **ids},
            "properties": {**self._message["properties"], **tags},
        }
        return json.dumps(message)
