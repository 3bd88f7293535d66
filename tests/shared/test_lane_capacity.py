"""What estimates of a lane count on: the workers that serve it, and what takes their slots."""

from dataclasses import replace

import pytest

from shared.jobs.queries import JobQueries
from shared.jobs.queue_place import Waiting
from shared.jobs.stats import read_stats
from shared.jobs.store import JobStore
from shared.redis.client import Client
from shared.setting_groups import JobRules
from shared.specs.parts import Lane
from shared.workers import Capacity, Worker, capacity_of
from tests.support.jobs.job_steps import submission, submit
from tests.support.jobs.server_clock import Clock, store_by_clock

BOTH, FRONT, BACK = (
    Worker("both-1-a", 4, (), runners=2),
    Worker("front-1-b", 2, (), lane="interactive"),
    Worker("back-1-c", 8, (), lane="bulk"),
)
OTHER = {Lane.INTERACTIVE: BACK, Lane.BULK: FRONT}  # serves no job of the lane
SECONDS = 10.0
FOUND_EMPTY = Capacity(0)


@pytest.fixture
def store(redis_client: Client, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    """A store whose time stands still, where a job takes ten seconds, two beside each other twice as long."""
    rules = JobRules(lease_seconds=300, bulk_patience_seconds=30)
    store = store_by_clock(redis_client, rules, monkeypatch)
    Clock(redis_client)
    store.client.hset("atelier:pace", "a:3", f"{SECONDS * 1000 * 2} {SECONDS * 1000}")
    return store


def submit_to(store: JobStore, lane: Lane) -> str:
    spec = submission().spec.model_copy(update={"lane": lane, "model": "a"})
    return submit(store, spec=spec, work="a:3")


def run(store: JobStore, worker: Worker, count: int) -> None:
    lanes = [Lane(worker.lane)] if worker.lane else tuple(Lane)
    assert all(store.claim_next(worker.id, lanes=lanes) for _ in range(count))


def told(store: JobStore, job_id: str, *workers: Worker) -> tuple[int | None, float | None]:
    job = store.get(job_id, "anonymous")
    found = JobQueries(store).waiting(job, capacity_of(workers, job.lane))
    assert isinstance(found, Waiting)
    return found.position, found.eta_seconds


def test_the_slots_of_a_lane_are_those_of_who_serves_it() -> None:
    cordoned = replace(BOTH, id="gone-1-d", cordoned=True)
    workers = [BOTH, FRONT, BACK, cordoned]
    back = Capacity(10, 8, frozenset({BACK.id}), frozenset({FRONT.id, cordoned.id}))
    assert capacity_of(workers, Lane.BULK) == back
    assert capacity_of([], Lane.BULK) == FOUND_EMPTY
    shared = [capacity_of(some, Lane.BULK).is_shared for some in (workers, [FRONT, BACK], [FRONT], [])]
    assert shared == [True, False, True, True]


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("own", [[], [BOTH], [FRONT, BACK], [BOTH, FRONT, BACK]], ids=len)
def test_a_worker_that_serves_only_the_other_lane_changes_no_estimate(
    store: JobStore, lane: Lane, own: list[Worker]
) -> None:
    for each in Lane:
        ids = {each: [submit_to(store, each) for _ in range(7)] for each in Lane}
    run(store, BOTH, 2)
    more = replace(OTHER[lane], id="more-1-e", slots=50)
    for job_id in ids[lane][-3:]:
        assert told(store, job_id, *own, more) == told(store, job_id, *own)
    assert read_stats(store.scripts, [*own, more]).lanes[lane] == read_stats(store.scripts, own).lanes[lane]


@pytest.mark.parametrize("lane", Lane)
def test_what_such_a_worker_runs_takes_no_slot_of_the_lane(store: JobStore, lane: Lane) -> None:
    (other,) = set(Lane) - {lane}
    job_id = submit_to(store, lane)
    workers = [FRONT, BACK]
    alone = told(store, job_id, *workers)
    assert alone == (1, SECONDS * 2)
    for _ in range(30):
        submit_to(store, other)
    assert told(store, job_id, *workers) == alone
    run(store, OTHER[lane], 5)
    assert told(store, job_id, *workers) == alone


def test_nor_does_what_a_cordoned_worker_still_runs(store: JobStore) -> None:
    for _ in range(BACK.slots):
        submit_to(store, Lane.BULK)
    cordoned = replace(BACK, id="gone-1-d", cordoned=True)
    run(store, cordoned, BACK.slots)
    job_id = submit_to(store, Lane.BULK)
    assert told(store, job_id, BACK, cordoned) == (1, SECONDS * 2)


def test_bulk_with_a_worker_of_its_own_waits_for_no_interactive_job(store: JobStore) -> None:
    """Two slots serve both lanes, and are busy with what is interactive; eight are bulk's own."""
    for _ in range(40):
        submit_to(store, Lane.INTERACTIVE)
    run(store, BOTH, 2)
    ids = [submit_to(store, Lane.BULK) for _ in range(16)]
    assert told(store, ids[7], BOTH, BACK) == (8, SECONDS * 2)
    position, eta = told(store, ids[15], BOTH, BACK)
    assert position is not None
    assert 16 <= position < 22
    assert eta is not None
    assert eta <= SECONDS * 4
