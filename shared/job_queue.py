"""The doorbell: Celery's names, its app factory, and ringing. A message carries a job's id, nothing else."""

from celery import Celery
from kombu import Exchange, Queue

from shared.doorbell import Doorbell
from shared.redis_server import SOCKET_TIMEOUT_SECONDS, Client, Scripts, answering
from shared.settings import Settings
from shared.status import Lane
from shared.worker_roster import WorkerRoster

RUN_JOB = "atelier.run_job"
SWEEP = "atelier.sweep"
DELIVER = "atelier.deliver"
IO_QUEUE = "atelier.io"
MODEL_QUEUES = tuple(f"atelier.{lane}" for lane in Lane)  # in the order in which they are served
QUEUES = (*MODEL_QUEUES, IO_QUEUE)
MOST_RINGS = 64  # that a queue's list holds: whoever answers one goes on with what else waits
HEALTH_CHECK_SECONDS = 2  # a blocking read whose answer is so much late stands on a dead connection


def queue_of(lane: Lane) -> str:
    """Return the name of a lane's Celery queue, which is also its list's key in Redis."""
    return f"atelier.{lane}"


def make_celery(settings: Settings) -> Celery:
    """Return the Celery app that the API rings and the worker serves."""
    app = Celery("atelier", broker=broker_url(settings.redis_url), set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=False,  # the message is a doorbell; the lease is what counts
        task_serializer="json",
        accept_content=["json"],
        task_queues=[Queue(name, Exchange("atelier"), routing_key=name) for name in QUEUES],
        task_default_queue=IO_QUEUE,
        task_create_missing_queues=False,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_enable_prefetch_count_reduction=False,  # after a reconnect it would hold threads back
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a server with a full disk hands out no messages
        broker_transport_options={
            "queue_order_strategy": "priority",
            "health_check_interval": HEALTH_CHECK_SECONDS,
            "socket_timeout": SOCKET_TIMEOUT_SECONDS,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "ack_emulation": False,  # bookkeeping of received messages in Redis: the job record does that
            "priority_steps": [0],  # one list a queue
        },
    )
    return app


def broker_url(redis_url: str) -> str:
    """Return Celery's spelling of a Redis URL: a Unix socket is redis+socket:// there."""
    return redis_url.replace("unix://", "redis+socket://", 1)


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
        with answering():
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
        with answering():
            return int(self._client.llen(IO_QUEUE))

    def _put(self, queue: str, *messages: str) -> None:
        self._scripts.run("ring", queue, MOST_RINGS, *messages)
