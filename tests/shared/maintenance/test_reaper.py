import time
from collections.abc import Iterator

import pytest
from redis.exceptions import OutOfMemoryError

from shared.batches.store import CHUNK, SWEPT, BatchStore
from shared.errors import JobGone
from shared.identifiers import ANONYMOUS
from shared.jobs.status import Status
from shared.jobs.store import JobStore, Reaped
from shared.maintenance.garbage import Garbage
from shared.maintenance.reaper import PASSES_PER_LEASE, SHARE_OF_PERIOD, Reaper
from shared.queue.celery_app import IO_QUEUE, MODEL_QUEUES, make_celery, queue_of
from shared.queue.job_queue import MOST_DOORBELLS, JobQueue
from shared.redis.client import Client
from shared.setting_groups import BatchRules, JobRules
from shared.settings import Settings
from shared.specs.parts import Lane
from shared.specs.webhook import Webhook, webhook_record
from shared.storage.base import ObjectStore
from shared.workers import Worker, WorkerRoster
from tests.support.jobs.batch_steps import begin, counts
from tests.support.jobs.job_steps import claim, lapse, pass_deadline, status, submit, urgent
from tests.support.waiting import eventually

NOTHING = Reaped((), (), ())


@pytest.fixture
def queue(store: JobStore, server) -> JobQueue:  # type: ignore[no-untyped-def]
    return JobQueue(make_celery(Settings(redis_url=server.url)), store.client)


@pytest.fixture
def reaper(store: JobStore, queue: JobQueue, objects: ObjectStore) -> Reaper:
    return Reaper(store, BatchStore(store, BatchRules()), queue, Garbage(store.client, objects))


def answer(store: JobStore) -> list[str]:
    """Wait for a ring as a worker does; return the jobs that it starts then."""
    assert store.client.brpop([queue_of(lane) for lane in Lane], timeout=5) is not None
    started = []
    while jobs := store.claim_next("w2"):
        started += [job.id for job in jobs]
    return started


def test_a_lost_doorbell_is_rung_again(store: JobStore, reaper: Reaper) -> None:
    submit(store)
    for _ in range(2):
        reaper.pass_once()
        assert store.client.llen(queue_of(Lane.INTERACTIVE)) == 1
    store.client.delete(queue_of(Lane.INTERACTIVE))
    reaper.pass_once()
    assert store.client.llen(queue_of(Lane.INTERACTIVE)) == 1


def test_a_dead_workers_job_is_queued_and_rung(store: JobStore, reaper: Reaper) -> None:
    job_id = submit(store)
    claim(store, job_id)
    lapse(store, job_id)
    reaper.pass_once()
    assert status(store, job_id) is Status.QUEUED
    assert store.client.llen(queue_of(Lane.INTERACTIVE)) == 1


@pytest.mark.slow
def test_jobs_of_dead_workers_are_rung_within_two_seconds_of_their_leases_end(
    redis_client: Client, queue: JobQueue, objects: ObjectStore
) -> None:
    store = JobStore(redis_client, JobRules(lease_seconds=1))
    reaper = Reaper(store, BatchStore(store, BatchRules()), queue, Garbage(redis_client, objects))
    reaper.start()
    begun = {}
    for job_id in [submit(store) for _ in range(100)]:
        claim(store, job_id)
        begun[job_id] = time.monotonic()
        time.sleep(0.01)  # the moments of death are spread over several passes
    waits: dict[str, float] = {}
    while len(waits) < len(begun):
        waits |= {job_id: time.monotonic() - begun[job_id] for job_id in answer(store)}
    reaper.stop()
    assert max(waits.values()) <= 1 + 2


def test_a_pass_ends_what_is_past_its_deadline(store: JobStore, reaper: Reaper) -> None:
    queued, running = submit(store, spec=urgent()), submit(store, spec=urgent())
    claim(store, running)
    for job_id in (queued, running):
        pass_deadline(store, job_id)
    reaper.pass_once()
    assert [status(store, job_id) for job_id in (queued, running)] == [Status.EXPIRED] * 2
    assert store.client.llen(queue_of(Lane.INTERACTIVE)) == 0


def test_a_reaper_outlives_whatever_a_pass_meets(
    store: JobStore, reaper: Reaper, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = submit(store)
    store.client.set("atelier:deadlines", "no sorted set")
    reaper.start()
    eventually(lambda: "reaper pass met a fault of the program" in caplog.messages)
    store.client.delete("atelier:deadlines")
    assert answer(store) == [job_id]
    reaper.stop()


def test_a_list_holds_so_many_rings_and_no_more(store: JobStore, queue: JobQueue, reaper: Reaper) -> None:
    for _ in range(MOST_DOORBELLS + 5):
        queue.notify(submit(store), Lane.INTERACTIVE)
    reaper.pass_once()
    assert store.client.llen(queue_of(Lane.INTERACTIVE)) == MOST_DOORBELLS


def test_a_pass_rings_for_as_many_jobs_as_workers_can_run_at_once(store: JobStore, reaper: Reaper) -> None:
    roster = WorkerRoster(store.client)
    for name, slots in (("one", 4), ("other", 2)):
        roster.announce(Worker(name, slots, ()))
    for _ in range(20):
        submit(store)
    reaper.pass_once()
    reaper.pass_once()
    assert store.client.llen(queue_of(Lane.INTERACTIVE)) == 6


def test_bytes_of_forgotten_jobs_are_removed(store: JobStore, reaper: Reaper, objects: ObjectStore) -> None:
    job_id = submit(store)
    objects.put(f"outputs/{job_id}/1/0.png", b"x")
    store.cancel(job_id, ANONYMOUS)
    store.client.zadd("atelier:expiring", {job_id: 1})
    reaper.clean_up()
    assert store.client.llen("atelier.io") == 1
    garbage = Garbage(store.client, objects)
    assert garbage.sweep() == 1
    assert (list(objects.keys("outputs/")), len(garbage)) == ([], 0)


def test_a_batch_whose_time_is_over_goes_bit_by_bit(store: JobStore, reaper: Reaper) -> None:
    batches = BatchStore(store, BatchRules())
    batch_id = begin(batches, 3 * CHUNK)
    batches.cancel(batch_id, ANONYMOUS)
    store.client.zadd("atelier:expiring", {batch_id: 1})
    store.expire()
    batches.go_on(most_chunks=2)
    assert len(store.client.keys(f"atelier:job:*{batch_id.removeprefix('batch_')}*")) == 3 * CHUNK - 2 * SWEPT
    reaper.clean_up()
    with pytest.raises(JobGone):
        batches.get(batch_id, ANONYMOUS)
    assert store.client.keys("atelier:job:*") == []


def test_a_batch_left_open_too_long_is_canceled(store: JobStore, reaper: Reaper) -> None:
    batches = BatchStore(store, BatchRules())
    batch_id = begin(batches, 5)
    store.client.zadd("atelier:open-batches", {batch_id: 1, "batch_forgotten": 1})
    reaper.clean_up()
    assert counts(batches, batch_id) == {"total": 5, "canceled": 5}
    assert store.client.zcard("atelier:open-batches") == 0


def test_every_pass_takes_up_what_was_cut_off(
    store: JobStore, reaper: Reaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.maintenance.reaper.HOUSEKEEPING_PASSES", 10**9)
    batches = BatchStore(store, BatchRules())
    batch_id = begin(batches, 5)
    store.scripts.run("batches/move", batch_id, ANONYMOUS, "cancel")
    reaper.start()
    eventually(lambda: batches.get(batch_id, ANONYMOUS).is_done)
    reaper.stop()


def test_the_queues_are_the_lanes_in_their_order() -> None:
    assert MODEL_QUEUES == ("atelier.interactive", "atelier.bulk")


def test_the_io_worker_is_rung_for_webhooks_that_are_due(store: JobStore, reaper: Reaper) -> None:
    record = webhook_record(Webhook(url="http://127.0.0.1:9/"), private=True, base="")
    job_id = submit(store, webhook=record)
    reaper.notify_webhooks()
    assert store.client.llen(IO_QUEUE) == 0
    store.cancel(job_id, ANONYMOUS)
    reaper.notify_webhooks()
    reaper.notify_webhooks()  # one ring is enough for now
    assert store.client.llen(IO_QUEUE) == 1


def test_nobody_is_rung_for_webhooks_while_no_io_worker_takes_rings(
    store: JobStore, queue: JobQueue, reaper: Reaper
) -> None:
    for _ in range(MOST_DOORBELLS):
        queue.request_deliveries()
    record = webhook_record(Webhook(url="http://127.0.0.1:9/"), private=True, base="")
    store.cancel(submit(store, webhook=record), ANONYMOUS)
    reaper.notify_webhooks()
    assert store.client.llen(IO_QUEUE) == MOST_DOORBELLS


@pytest.fixture
def passes(
    store: JobStore, queue: JobQueue, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[list[Reaper], list[float]]]:
    """Three reapers that run, as in three processes, and when one of them made a pass."""
    made: list[float] = []
    monkeypatch.setattr(store, "reap", lambda **_: (made.append(time.monotonic()), NOTHING)[1])
    garbage = Garbage(store.client, objects)
    reapers = [Reaper(store, BatchStore(store, BatchRules()), queue, garbage) for _ in range(3)]
    for each in reapers:
        each.start()
    yield reapers, made
    for each in reapers:
        each.stop()


def test_many_processes_make_the_passes_of_one(
    passes: tuple[list[Reaper], list[float]], rules: JobRules
) -> None:
    (first, second, _), made = passes
    eventually(lambda: len(made) > 20)
    period = rules.lease_seconds / PASSES_PER_LEASE
    assert len(made) <= 1 + (made[-1] - made[0]) / (period * SHARE_OF_PERIOD - 0.002)
    first.stop()
    second.stop()
    before = len(made)
    eventually(lambda: len(made) > before + 5)  # the one that stays makes them


def test_a_full_server_gets_its_passes(store: JobStore, reaper: Reaper) -> None:
    store.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(OutOfMemoryError):
            store.client.set("some", "thing")
        assert reaper._is_due()
    finally:
        store.client.config_set("maxmemory", 0)
