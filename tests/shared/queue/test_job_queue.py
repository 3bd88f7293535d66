"""The messages that ring: Celery's own, whatever its version writes."""

import base64
import json
from typing import Any

from celery import Celery

from atelier.local.redis_server import EmbeddedServer
from shared.queue.celery_app import RUN_JOB, make_celery, queue_of
from shared.queue.job_queue import DoorbellForm, JobQueue
from shared.redis.client import Client
from shared.settings import Settings
from shared.specs.parts import Lane

OWN_TO_EACH = ("id", "root_id", "correlation_id", "delivery_tag", "reply_to")


def make_app(server: EmbeddedServer) -> Celery:
    return make_celery(Settings(redis_url=server.url))


def without_ids(text: str) -> dict[str, Any]:
    message = json.loads(text)
    message["body"] = json.loads(base64.b64decode(message["body"]))
    for part in (message["headers"], message["properties"]):
        for name in OWN_TO_EACH:
            part.pop(name, None)
    return message


def test_a_ring_is_the_message_that_celery_sends(server: EmbeddedServer, redis_client: Client) -> None:
    app, queue = make_app(server), queue_of(Lane.BULK)
    JobQueue(app, redis_client).notify("job_1", Lane.BULK)
    app.send_task(RUN_JOB, args=("job_1",), queue=queue, ignore_result=True)
    by_celery, ours = redis_client.lrange(queue, 0, -1)
    assert without_ids(ours) == without_ids(by_celery)


def test_each_ring_has_ids_of_its_own(server: EmbeddedServer) -> None:
    bell = DoorbellForm(make_app(server), RUN_JOB, queue_of(Lane.INTERACTIVE))
    first, second = (json.loads(bell.text("job_1")) for _ in range(2))
    assert first["headers"]["id"] == first["properties"]["correlation_id"]
    assert first["headers"]["id"] != second["headers"]["id"]
    assert first["properties"]["delivery_tag"] != second["properties"]["delivery_tag"]


def test_making_a_doorbell_rings_nothing(server: EmbeddedServer, redis_client: Client) -> None:
    JobQueue(make_app(server), redis_client)
    assert redis_client.keys("atelier.*") == []
