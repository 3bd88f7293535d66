import pytest

from shared.garbage import Garbage
from shared.identifiers import ANONYMOUS
from shared.job_queue import MODEL_QUEUES, JobQueue, make_celery, queue_of
from shared.job_store import JobStore, Ring
from shared.object_store import ObjectStore
from shared.reaper import LIST_TARGET, Reaper, _with_patience
from shared.settings import Settings
from shared.status import Lane, Status
from tests.shared.test_job_store import claim, lapse, status, submit


@pytest.fixture
def queue(store: JobStore, server) -> JobQueue:  # type: ignore[no-untyped-def]
    return JobQueue(make_celery(Settings(redis_url=server.url)), store.client)


@pytest.fixture
def reaper(store: JobStore, queue: JobQueue, objects: ObjectStore) -> Reaper:
    return Reaper(store, queue, Garbage(store.client, objects))


def due(store: JobStore, job_id: str) -> None:
    store.client.zadd("atelier:due:interactive", {job_id: 1}, xx=True)


def test_a_lost_doorbell_is_rung_again(store: JobStore, reaper: Reaper) -> None:
    due(store, submit(store))
    reaper.pass_once()
    assert store.client.llen(queue_of(Lane.INTERACTIVE)) == 1


def test_a_dead_workers_job_is_queued_and_rung(store: JobStore, reaper: Reaper) -> None:
    job_id = submit(store)
    claim(store, job_id)
    lapse(store, job_id)
    reaper.pass_once()
    assert status(store, job_id) is Status.QUEUED
    assert store.client.llen(queue_of(Lane.INTERACTIVE)) == 1


def test_nothing_is_rung_while_the_list_is_long(store: JobStore, queue: JobQueue, reaper: Reaper) -> None:
    for n in range(LIST_TARGET):
        queue.ring(f"j{n}", Lane.INTERACTIVE)
    due(store, submit(store))
    reaper.pass_once()
    assert store.client.llen(queue_of(Lane.INTERACTIVE)) == LIST_TARGET


def test_the_oldest_patient_bulk_job_rings_the_interactive_lane() -> None:
    rings = tuple(Ring(name, Lane.BULK, age) for name, age in (("a", 40.0), ("b", 50.0), ("c", 5.0)))
    lanes = {ring.id: lane for ring, lane in _with_patience(rings, 30)}
    assert lanes == {"a": Lane.BULK, "b": Lane.INTERACTIVE, "c": Lane.BULK}


def test_bytes_of_forgotten_jobs_are_removed(store: JobStore, reaper: Reaper, objects: ObjectStore) -> None:
    job_id = submit(store)
    objects.put(f"outputs/{job_id}/1/0.png", b"x")
    store.cancel(job_id, ANONYMOUS)
    store.client.zadd("atelier:expiring", {job_id: 1})
    reaper.keep_house()
    assert store.client.llen("atelier.io") == 1
    garbage = Garbage(store.client, objects)
    assert garbage.sweep() == 1
    assert (list(objects.keys("outputs/")), len(garbage)) == ([], 0)


def test_the_queues_are_the_lanes_in_their_order() -> None:
    assert MODEL_QUEUES == ("atelier.interactive", "atelier.bulk")
