"""What the program relies on inside of Celery and kombu: each test names what an upgrade broke."""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.worker.consumer import Consumer
from kombu import Connection
from kombu.asynchronous import Hub
from kombu.transport.redis import Channel

from atelier.local.redis_server import EmbeddedServer
from shared.queue.celery_app import IO_QUEUE, make_celery
from shared.queue.consumer import LONGEST_PAUSE_SECONDS, Pulse, WorkerConsumer
from shared.queue.job_queue import JobQueue
from shared.redis.client import Client
from shared.settings import Settings
from tests.support.waiting import eventually

SCRIPT = Path(__file__).with_name("celery_worker.py")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def app(server: EmbeddedServer) -> Celery:
    return make_celery(Settings(redis_url=server.url))


@pytest.fixture
def queue(app: Celery, redis_client: Client) -> JobQueue:
    return JobQueue(app, redis_client)


@pytest.fixture
def worker(
    request: pytest.FixtureRequest, server: EmbeddedServer, redis_client: Client
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that consumes, with one slot or as many as the parameter says."""
    command = [sys.executable, str(SCRIPT), server.url, str(getattr(request, "param", 1))]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environ, cwd=ROOT) as process:
        try:
            eventually(lambda: redis_client.get("ready") is not None, seconds=60)
            yield process
        finally:
            process.kill()


class Enough(Exception):
    """Ends the attempts to connect."""


def count(client: Client, name: str) -> int:
    return int(client.get(name) or 0)


def test_option_worker_disable_prefetch_leaves_doorbells_at_the_server_while_no_slot_is_free(
    worker: subprocess.Popen[bytes], queue: JobQueue, redis_client: Client
) -> None:
    queue.request_sweep()
    eventually(lambda: count(redis_client, "begun") == 1)
    queue.request_sweep()
    time.sleep(1.5)  # longer than a turn of the loop
    assert queue.io_doorbells() == 1


def test_option_task_acks_late_wakes_the_loop_when_a_slot_is_free(
    worker: subprocess.Popen[bytes], queue: JobQueue, redis_client: Client
) -> None:
    queue.request_sweep()
    gaps = []
    for number in range(1, 6):
        eventually(lambda: count(redis_client, "begun") == number)  # noqa: B023
        queue.request_sweep()
        time.sleep(0.3)  # the loop waits again
        redis_client.rpush("go", 1)
        freed = time.monotonic()
        eventually(lambda: count(redis_client, "begun") == number + 1)  # noqa: B023
        gaps.append(time.monotonic() - freed)
    assert statistics.mean(gaps) < 0.25, gaps  # a loop that nothing wakes turns once a second


@pytest.mark.parametrize("worker", [3], indirect=True)
def test_brpop_start_leaves_doorbells_at_the_server_while_the_intake_is_closed(
    worker: subprocess.Popen[bytes], queue: JobQueue, redis_client: Client
) -> None:
    eventually(lambda: count(redis_client, "open") == 1)
    redis_client.set("closed", 1)
    eventually(lambda: count(redis_client, "open") == 0)
    queue.request_sweep()  # a read that waits at the server may take one
    time.sleep(1.5)  # longer than a turn of the loop
    taken = count(redis_client, "begun")
    assert taken + queue.io_doorbells() == 1  # none is stuck between server and worker
    queue.request_sweep()
    time.sleep(1.5)
    assert (count(redis_client, "begun"), queue.io_doorbells()) == (taken, 2 - taken)
    redis_client.delete("closed")
    eventually(lambda: count(redis_client, "begun") == 2, seconds=5)
    assert worker.poll() is None


def test_hub_on_tick_is_called_at_every_turn_of_the_loop(
    worker: subprocess.Popen[bytes], queue: JobQueue, redis_client: Client
) -> None:
    time.sleep(3)
    queue.request_sweep()
    eventually(lambda: redis_client.get("silence") is not None)
    assert float(redis_client.get("silence") or 99) < 2


@pytest.mark.parametrize("worker", [2], indirect=True)
def test_closing_the_channel_puts_back_a_doorbell_that_comes_while_the_worker_stops(
    worker: subprocess.Popen[bytes], queue: JobQueue, redis_client: Client
) -> None:
    queue.request_sweep()
    eventually(lambda: count(redis_client, "begun") == 1)
    worker.send_signal(signal.SIGTERM)
    eventually(lambda: count(redis_client, "stopping") == 1)
    queue.request_sweep()  # a read that still waits at the server takes it
    time.sleep(2)
    assert (queue.io_doorbells(), count(redis_client, "begun")) in ((1, 1), (0, 2))


def test_ensure_connected_passes_what_the_consumer_replaces(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def ensure_connection(errback: Any, retries: Any, **options: Any) -> str:
        options["callback"]()
        asked.append(options)
        return "connected"

    consumer = object.__new__(WorkerConsumer)
    consumer.app = make_celery(Settings())
    consumer._pulse = Pulse()
    consumer._pulse._last -= 60
    connection = SimpleNamespace(ensure_connection=ensure_connection)
    assert consumer.ensure_connected(connection) == "connected"
    assert (asked[0]["interval_max"], consumer._pulse.silence_seconds < 1) == (LONGEST_PAUSE_SECONDS, True)


def test_ensure_connection_takes_pauses_and_calls_back_every_second(tmp_path: Path) -> None:
    calls: list[float] = []

    def note() -> None:
        calls.append(time.monotonic())
        if len(calls) > 3:
            raise Enough

    connection = Connection(f"redis+socket://{tmp_path}/nobody")
    with pytest.raises(Enough):
        connection.ensure_connection(
            None, None, interval_start=0.2, interval_step=0.2, interval_max=1.0, callback=note
        )
    assert calls[-1] - calls[0] < 3


def test_do_restore_is_an_attribute_of_the_channel() -> None:
    assert Channel.do_restore is True
    assert callable(Consumer.register_with_event_loop)
    assert Hub().on_tick == set()


def test_the_list_of_a_queue_has_its_name(app: Celery) -> None:
    with app.connection_for_write() as connection:
        assert connection.default_channel._q_for_pri(IO_QUEUE, 0) == IO_QUEUE
