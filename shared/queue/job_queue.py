"""Telling workers that jobs wait: a Celery message, the doorbell, carries a job's id and nothing else."""

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
from shared.workers.roster import WorkerRoster

MOST_RINGS = 64  # that a queue's list holds: whoever answers one goes on with what else waits


class JobQueue:
    """Rings doorbells. A ring that is lost is made again by the reaper; a ring too many does nothing."""

    def __init__(self, app: Celery, client: Client) -> None:
        self._client = client
        self._scripts = Scripts(client)
        self._roster = WorkerRoster(client)
        self._bells = {lane: Doorbell(app, RUN_JOB, queue_of(lane)) for lane in Lane}
        self._sweep_bell = Doorbell(app, SWEEP, IO_QUEUE)
        self._deliver_bell = Doorbell(app, DELIVER, IO_QUEUE)

    def ring(self, job_id: str, lane: Lane) -> None:
        """Tell the workers of a lane that work waits, unless enough unanswered rings do.

        Whoever answers takes the job whose turn it is; the id says only what gave occasion. Raises
        StoreUnavailable.
        """
        self._put(queue_of(lane), self._bells[lane].text(job_id))

    def ring_for(self, waiting: int, job_id: str, lane: Lane) -> None:
        """Ring until there are as many unanswered rings as jobs wait, or as workers run jobs at once."""
        with store_errors():
            unanswered = int(self._client.llen(queue_of(lane)))
        if waiting <= unanswered:
            return
        missing = min(waiting, self._slots(), MOST_RINGS) - unanswered
        if missing > 0:
            self._put(queue_of(lane), *(self._bells[lane].text(job_id) for _ in range(missing)))

    def _slots(self) -> int:
        """Return how many jobs all workers run at once: a further ring would find nobody, or no work."""
        return sum(worker.slots for worker in self._roster.live()) or MOST_RINGS

    def ring_sweep(self) -> None:
        """Ask for the removal of bytes that no record names any more."""
        self._put(IO_QUEUE, self._sweep_bell.text())

    def ring_deliveries(self) -> None:
        """Ask for the webhooks that are due."""
        self._put(IO_QUEUE, self._deliver_bell.text())

    def io_rings(self) -> int:
        """Return how many rings the io worker has not taken yet."""
        with store_errors():
            return int(self._client.llen(IO_QUEUE))

    def _put(self, queue: str, *messages: str) -> None:
        self._scripts.run("workers/notify", queue, MOST_RINGS, *messages)


class Doorbell:
    """Messages for one task, as kombu's Redis transport keeps them in a queue's list.

    Celery builds every message, its route and a Redis client anew, which takes six times as long.
    """

    def __init__(self, app: Celery, task: str, queue: str) -> None:
        with Connection("memory://") as broker:
            app.send_task(task, queue=queue, ignore_result=True, retry=False, connection=broker)
            written = broker.default_channel.basic_get(queue, no_ack=True).serializable()
        self._message: dict[str, Any] = written
        *_, self._options = json.loads(base64.b64decode(written["body"]))  # callbacks and the like: none

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
