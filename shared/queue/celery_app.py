"""The Celery application that API and workers share: queues, task names and options."""

from typing import Any

from celery import Celery
from kombu import Exchange, Queue

from shared.redis.client import SOCKET_TIMEOUT_SECONDS, sentinel_options
from shared.redis_url import RedisUrl, parse_redis_url
from shared.settings import Settings
from shared.specs.parts import Lane

RUN_JOB = "atelier.run_job"
SWEEP = "atelier.sweep"
DELIVER = "atelier.deliver"
IO_QUEUE = "atelier.io"
MODEL_QUEUES = tuple(f"atelier.{lane}" for lane in Lane)  # in the order of priority
QUEUES = (*MODEL_QUEUES, IO_QUEUE)
HEALTH_CHECK_SECONDS = 2  # a connection whose blocking read is this late is dead


def queue_of(lane: Lane) -> str:
    """Return the name of a lane's Celery queue, which is also its list's key in Redis."""
    return f"atelier.{lane}"


def make_celery(settings: Settings) -> Celery:
    """Return the Celery app by which the API notifies workers, and which workers run."""
    server = parse_redis_url(settings.redis_url)
    app = Celery("atelier", broker=server.broker, set_as_current=False)
    app.conf.update(
        broker_use_ssl=server.tls or None,  # else kombu would verify no certificate
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=True,  # in memory only; it wakes the consume loop as soon as a slot is free
        worker_disable_prefetch=True,  # a doorbell is taken only while a slot is free for it
        task_serializer="json",
        accept_content=["json"],
        task_queues=[Queue(name, Exchange("atelier"), routing_key=name) for name in QUEUES],
        task_default_queue=IO_QUEUE,
        task_create_missing_queues=False,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_enable_prefetch_count_reduction=False,  # otherwise threads stay idle after a reconnect
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a server with a full disk delivers no messages
        broker_transport_options=_transport_options(server),
    )
    return app


def _transport_options(server: RedisUrl) -> dict[str, Any]:
    options = {
        "queue_order_strategy": "priority",
        "health_check_interval": HEALTH_CHECK_SECONDS,
        "socket_timeout": SOCKET_TIMEOUT_SECONDS,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "ack_emulation": False,  # no list of received messages in Redis: the job record has that role
        "priority_steps": [0],  # one list a queue
        # Looked for at times all the same. Like all others of Atelier, their names are its own.
        **{f"{name}_key": f"atelier.{name}" for name in ("unacked", "unacked_index", "unacked_mutex")},
    }
    if not server.has_sentinels:
        return options
    return {**options, "master_name": server.service, "sentinel_kwargs": sentinel_options(server)}
