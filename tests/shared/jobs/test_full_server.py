"""A server that is out of memory, or of disk: new work is refused, and accepted work goes on."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.errors import InvalidRequest, StoreFull, StoreUnavailable
from shared.files.file_store import FileStore
from shared.files.style_library import StyleLibrary, StyleVectors
from shared.identifiers import ANONYMOUS
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.job import Progress
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.queue.celery_app import make_celery
from shared.queue.job_queue import JobQueue
from shared.redis.client import Client, store_errors
from shared.settings import Settings
from shared.specs.parts import Lane
from shared.storage.base import ObjectStore
from shared.workers import Worker, WorkerRoster
from tests.support.images import pictures
from tests.support.jobs.job_steps import claim, lapse, status, submit


@contextmanager
def no_memory(client: Client) -> Iterator[None]:
    """Let the server have less memory than it uses already."""
    client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        client.config_set("maxmemory", 0)


def test_new_work_is_refused_while_the_server_is_out_of_memory_and_nothing_of_it_stays(
    store: JobStore, files: FileStore, objects: ObjectStore
) -> None:
    data = pictures.png(8, 8)
    info = probe(data, ImageLimits())
    kept, _ = files.add(ANONYMOUS, pictures.png(9, 9), probe(pictures.png(9, 9), ImageLimits()))
    with no_memory(store.client):
        before = sorted(store.client.keys())
        with pytest.raises(StoreFull, match="maxmemory"):
            submit(store)
        with pytest.raises(StoreFull):
            files.add(ANONYMOUS, data, info)
        with pytest.raises(StoreFull):
            StyleLibrary(store.client).add(ANONYMOUS, "name", kept.id)
        assert sorted(store.client.keys()) == before
        assert list(objects.keys("")) == [kept.key]
    submit(store)
    files.add(ANONYMOUS, data, info)


def test_a_repeated_submission_is_answered_though_the_server_is_out_of_memory(store: JobStore) -> None:
    job_id = submit(store, idempotency_key="k")
    with no_memory(store.client):
        assert submit(store, idempotency_key="k") == job_id


def test_accepted_jobs_make_every_move_while_the_server_is_out_of_memory(store: JobStore) -> None:
    jobs = [submit(store) for _ in range(6)]
    with no_memory(store.client):
        first, second, third, fourth = (claim(store, job_id) for job_id in jobs[:4])
        assert store.beat([(first.id, first.attempt)]) == ["ok"]
        store.report(first.id, first.attempt, Progress("predict", 0.5, 1, 2, "outputs/x"))
        store.succeed(first.id, first.attempt, outputs=(), timings={}, model=("1", "d"))
        store.requeue(second.id, second.attempt, StoreUnavailable())
        store.fail(third.id, third.attempt, InvalidRequest())
        store.release(fourth.id, fourth.attempt)
        store.cancel(jobs[4], ANONYMOUS)
        lapsed = claim(store, jobs[5])
    lapse(store, lapsed.id)
    with no_memory(store.client):
        assert store.reap().reclaimed == (lapsed.id,)
        store.delete(first.id, ANONYMOUS)
        assert [status(store, job_id) for job_id in jobs[1:]] == [
            Status.QUEUED,
            Status.FAILED,
            Status.QUEUED,
            Status.CANCELED,
            Status.QUEUED,
        ]


def test_doorbells_ring_and_workers_stay_on_the_roster_while_the_server_is_out_of_memory(
    redis_client: Client,
) -> None:
    queue = JobQueue(make_celery(Settings()), redis_client)
    roster = WorkerRoster(redis_client)
    with no_memory(redis_client):
        queue.notify("job_1", Lane.BULK)
        queue.notify_for(2, "job_1", Lane.BULK)
        queue.request_sweep()
        roster.announce(Worker("w1", 4, ()))
        assert [worker.id for worker in roster.live()] == ["w1"]
        StyleVectors(redis_client).put("digest", "file", b"vector")
        roster.withdraw("w1")
        assert roster.live() == ()
    assert redis_client.llen("atelier.bulk") == 2


@pytest.mark.parametrize(
    "command", [("SET", "k", "v"), ("EVAL", "redis.call('SET', 'k', 'v')", "0"), ("LPUSH", "q", "x")]
)
def test_every_refusal_for_want_of_memory_is_told_as_such(
    redis_client: Client, command: tuple[str, ...]
) -> None:
    with no_memory(redis_client):
        with pytest.raises(StoreFull), store_errors():
            redis_client.execute_command(*command)
        pipeline = redis_client.pipeline(transaction=False)
        pipeline.execute_command(*command)
        with pytest.raises(StoreFull), store_errors():
            pipeline.execute()
