"""Workers by name: a cordon holds by name and over restarts, and no claim passes it."""

import pytest

from shared.errors import WorkerNotFound
from shared.fleet import Fleet, WorkerState
from shared.jobs.store import JobStore, WorkerCordoned
from shared.queue.celery_app import make_celery
from shared.queue.job_queue import MOST_DOORBELLS, JobQueue
from shared.redis.client import Client
from shared.settings import Settings
from shared.specs.parts import Lane
from shared.workers import Worker, WorkerRoster, name_of, slots_of
from tests.support.jobs.job_steps import submit

FIRST, AGAIN, OTHER = "alpha-10-0a1b2c", "alpha-11-3d4e5f", "beta-12-a0b0c0"


@pytest.fixture
def fleet(redis_client: Client) -> Fleet:
    return Fleet(redis_client)


@pytest.fixture
def roster(redis_client: Client) -> WorkerRoster:
    return WorkerRoster(redis_client)


def test_the_name_is_the_id_without_process_and_random_part() -> None:
    assert (name_of("gpu-box-2-4711-0af3bc"), name_of("w1")) == ("gpu-box-2", "w1")


def test_a_cordoned_worker_claims_nothing_and_others_do(
    fleet: Fleet, roster: WorkerRoster, store: JobStore
) -> None:
    roster.announce(Worker(FIRST, 4, ()))
    submit(store)
    fleet.cordon("alpha", by="anna")
    with pytest.raises(WorkerCordoned):
        store.claim_next(FIRST)
    assert len(store.claim_next(OTHER)) == 1


def test_a_cordon_outlives_a_restart_and_ends_when_it_is_told_to(
    fleet: Fleet, roster: WorkerRoster, store: JobStore
) -> None:
    roster.announce(Worker(FIRST, 4, ()))
    submit(store)
    fleet.cordon("alpha", by="anna", reason="new disk")
    roster.withdraw(FIRST)
    assert [(each.name, each.state) for each in fleet.workers()] == [("alpha", WorkerState.GONE)]
    roster.announce(Worker(AGAIN, 4, ()))
    (worker,) = fleet.workers()
    assert worker.cordon is not None
    assert (worker.state, worker.cordon.by, worker.cordon.reason) == ("cordoned", "anna", "new disk")
    with pytest.raises(WorkerCordoned):
        store.claim_next(AGAIN)
    fleet.uncordon("alpha")
    assert len(store.claim_next(AGAIN)) == 1


def test_a_drained_worker_says_when_it_runs_nothing(
    fleet: Fleet, roster: WorkerRoster, store: JobStore
) -> None:
    roster.announce(Worker(FIRST, 4, ()))
    submit(store)
    (job,) = store.claim_next(FIRST)
    worker = fleet.cordon("alpha", by="anna", drain=True)
    assert (worker.state, worker.running) == ("draining", 1)
    store.release(job.id, job.attempt)
    assert (fleet.get("alpha").state, fleet.get("alpha").running) == ("drained", 0)


def test_a_second_cordon_keeps_since_when(fleet: Fleet, roster: WorkerRoster, redis_client: Client) -> None:
    roster.announce(Worker(FIRST, 4, ()))
    first = fleet.cordon("alpha", by="anna").cordon
    second = fleet.cordon("alpha", by="bert", drain=True).cordon
    assert first is not None
    assert second is not None
    assert (second.at, second.by, second.drain) == (first.at, "bert", True)


@pytest.mark.parametrize("move", ["cordon", "uncordon"])
def test_a_name_that_nobody_has_is_refused(fleet: Fleet, move: str) -> None:
    with pytest.raises(WorkerNotFound, match="'aplha'"):
        fleet.cordon("aplha", by="anna") if move == "cordon" else fleet.uncordon("aplha")
    assert fleet.workers() == []


def test_two_live_processes_of_one_name_are_seen(fleet: Fleet, roster: WorkerRoster) -> None:
    roster.announce(Worker(FIRST, 4, (), labels=("gpu",)))
    roster.announce(Worker(AGAIN, 4, (), labels=("large",)))
    (worker,) = fleet.workers()
    assert {each.id for each in worker.processes} == {FIRST, AGAIN}
    assert worker.labels == ("gpu", "large")


def test_a_cordoned_worker_counts_for_no_slots_and_no_doorbells(
    fleet: Fleet, roster: WorkerRoster, store: JobStore, redis_client: Client
) -> None:
    for name in (FIRST, OTHER):
        roster.announce(Worker(name, 4, ()))
    fleet.cordon("alpha", by="anna")
    assert {each.name: each.takes_jobs for each in roster.live()} == {"alpha": False, "beta": True}
    assert slots_of(roster.live()) == 4
    queue = JobQueue(make_celery(Settings()), redis_client)
    queue.notify_for(MOST_DOORBELLS, "job_1", Lane.BULK)
    assert redis_client.llen("atelier.bulk") == 4


def test_a_worker_keeps_what_it_announced(roster: WorkerRoster) -> None:
    worker = Worker(FIRST, 4, (), labels=("gpu", "large"), memory_bytes=2**34, has_room=False, schema=7)
    roster.announce(worker)
    assert roster.live() == (worker,)
