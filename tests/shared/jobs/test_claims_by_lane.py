"""Workers of one lane: what they claim, and what others are told of them."""

from dataclasses import replace

import pytest

from shared.jobs.store import JobStore
from shared.queue.celery_app import make_celery
from shared.queue.job_queue import MOST_DOORBELLS, JobQueue
from shared.settings import Settings
from shared.specs.parts import Lane
from shared.workers import Worker, WorkerRoster, slots_of
from tests.support.jobs.job_steps import submission, submit

BOTH, INTERACTIVE, BULK = (
    Worker("both-1-a", 4, ()),
    Worker("front-1-a", 2, (), lane="interactive"),
    Worker("back-1-a", 8, (), lane="bulk"),
)


def submit_to(store: JobStore, lane: Lane) -> str:
    return submit(store, spec=submission().spec.model_copy(update={"lane": lane}))


def claim_all(store: JobStore, *lanes: Lane) -> list[str]:
    claimed = []
    while jobs := store.claim_next("w", lanes=lanes):
        claimed += [job.id for job in jobs]
    return claimed


@pytest.mark.parametrize("lane", Lane)
def test_a_worker_of_one_lane_leaves_the_other_one_alone(store: JobStore, lane: Lane) -> None:
    ids = {each: [submit_to(store, each) for _ in range(3)] for each in Lane}
    assert claim_all(store, lane) == ids[lane]
    (other,) = set(Lane) - {lane}
    assert claim_all(store, *Lane) == ids[other]


def test_bulk_that_has_workers_of_its_own_takes_no_turn_of_interactive_jobs(store: JobStore) -> None:
    bulk = [submit_to(store, Lane.BULK) for _ in range(3)]
    interactive = [submit_to(store, Lane.INTERACTIVE) for _ in range(4)]
    store.client.set("atelier:starving:bulk", 1)  # it was passed over for very long
    assert [job.id for job in store.claim_next("w", lanes=[Lane.INTERACTIVE])] == interactive[:1]
    assert [job.id for job in store.claim_next("w", lanes=[Lane.BULK])] == bulk[:1]
    first_of_both = [job.id for job in store.claim_next("w")]
    assert first_of_both == interactive[1:2], "bulk was served just now, so its wait is over"


def test_what_no_worker_of_its_lane_can_run_does_not_ring(store: JobStore) -> None:
    roster = WorkerRoster(store.client)
    roster.announce(replace(INTERACTIVE, available=("mnist-dcgan",)))
    roster.announce(replace(BULK, available=()))
    for lane in Lane:
        submit_to(store, lane)
    assert {line.lane: line.waiting for line in store.reap().lines} == {Lane.INTERACTIVE: 1, Lane.BULK: 0}


def test_a_worker_keeps_its_lane_on_the_roster(store: JobStore) -> None:
    roster = WorkerRoster(store.client)
    for worker in (BOTH, INTERACTIVE, BULK):
        roster.announce(worker)
    assert {worker.id: worker.lane for worker in roster.live()} == {
        BOTH.id: "",
        INTERACTIVE.id: "interactive",
        BULK.id: "bulk",
    }


def test_slots_are_those_of_the_workers_that_serve_a_lane() -> None:
    workers = (BOTH, INTERACTIVE, BULK)
    assert (slots_of(workers), slots_of(workers, Lane.INTERACTIVE), slots_of(workers, Lane.BULK)) == (
        14,
        6,
        12,
    )


def test_as_many_doorbells_are_sent_as_workers_of_the_lane_can_answer(store: JobStore) -> None:
    WorkerRoster(store.client).announce(INTERACTIVE)
    WorkerRoster(store.client).announce(BULK)
    queue = JobQueue(make_celery(Settings()), store.client)
    for lane in Lane:
        queue.notify_for(MOST_DOORBELLS, "job_1", lane)
    assert [store.client.llen(f"atelier.{lane}") for lane in Lane] == [2, 8]
