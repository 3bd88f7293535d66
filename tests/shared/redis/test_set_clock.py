"""A clock of the server that is set, by minutes: a new primary has its own. No job is lost, or ends twice."""

import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from shared.errors import AtelierError
from shared.identifiers import ANONYMOUS
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.owners.usage import UsageStore
from shared.redis.client import Client
from shared.setting_groups import JobRules
from tests.support.jobs.batch_steps import finish
from tests.support.jobs.job_steps import claim, status, submission, submit
from tests.support.jobs.server_clock import Clock, store_by_clock

MINUTES = 300.0
EPOCH = 1e9  # the time of a clock at zero
LEASE_SECONDS = 5.0


@pytest.fixture
def clock(redis_client: Client) -> Clock:
    clock = Clock(redis_client)
    clock.set(time.time() - EPOCH)  # keys of the past would be gone at once
    return clock


@pytest.fixture
def store(redis_client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    rules = JobRules(lease_seconds=LEASE_SECONDS, backoff_seconds=0)
    return store_by_clock(redis_client, rules, monkeypatch)


def run_on(store: JobStore, clock: Clock, seconds: float) -> None:
    """Let time pass as it does where reapers look twice a second."""
    for _ in range(int(seconds * 2)):
        clock.set(clock.now + 0.5)
        store.reap()


@pytest.mark.parametrize("change", [MINUTES, -MINUTES])
def test_a_job_stays_with_the_worker_that_has_it(store: JobStore, clock: Clock, change: float) -> None:
    job = claim(store, submit(store))
    run_on(store, clock, 2)
    clock.set(clock.now + change)
    assert store.reap().reclaimed == ()
    assert store.beat([(job.id, job.attempt)]) == ["ok"]
    run_on(store, clock, LEASE_SECONDS - 1)
    finish(store, job)
    assert store.get(job.id, ANONYMOUS).crashes == 0


def test_the_job_of_a_dead_worker_is_taken_back_after_one_more_lease_of_a_clock_that_leaps(
    store: JobStore, clock: Clock
) -> None:
    job = claim(store, submit(store))
    run_on(store, clock, 2)
    clock.set(clock.now + MINUTES)
    run_on(store, clock, LEASE_SECONDS - 1)
    assert status(store, job.id) is Status.RUNNING
    run_on(store, clock, 2)
    assert status(store, job.id) is Status.QUEUED
    finish(store, claim(store, job.id))


def test_the_job_of_a_dead_worker_is_taken_back_in_time_by_a_clock_that_goes_back(
    store: JobStore, clock: Clock
) -> None:
    job = claim(store, submit(store))
    run_on(store, clock, 2)
    clock.set(clock.now - MINUTES)
    run_on(store, clock, LEASE_SECONDS)
    assert status(store, job.id) is Status.QUEUED
    finish(store, claim(store, job.id))


def test_what_waits_starts_though_the_clock_went_back(store: JobStore, clock: Clock) -> None:
    """It was accepted, or given back after an error, at a time that is still to come by the new clock."""
    first, second = submit(store), claim(store, submit(store))
    store.requeue(second.id, second.attempt, AtelierError("try again"))
    run_on(store, clock, 2)
    clock.set(clock.now - MINUTES)
    store.reap()
    assert {job.id for job in (claim(store, first), claim(store, second.id))} == {first, second.id}


def test_time_stands_still_until_the_reaper_has_seen_that_the_clock_went_back(
    store: JobStore, clock: Clock
) -> None:
    """A lease or a deadline that is set in between is not over as soon as time goes on."""
    job = claim(store, submit(store))
    run_on(store, clock, 2)
    clock.set(clock.now - MINUTES)
    hasty = submission().spec.model_copy(update={"deadline_seconds": 60})
    urgent = submit(store, spec=hasty)
    assert store.beat([(job.id, job.attempt)]) == ["ok"]
    reaped = store.reap()
    assert (reaped.reclaimed, reaped.expired) == ((), ())
    run_on(store, clock, LEASE_SECONDS - 1)
    assert [status(store, one) for one in (job.id, urgent)] == [Status.RUNNING, Status.QUEUED]


def test_time_goes_on_from_one_primary_to_another_and_back(store: JobStore, clock: Clock) -> None:
    seen = [server_now(store)]
    for change in (-MINUTES, MINUTES, -MINUTES / 3, MINUTES / 3, -MINUTES, MINUTES):
        run_on(store, clock, 2)
        clock.set(clock.now + change)
        seen.append(server_now(store))
        store.reap()
        seen.append(server_now(store))
    assert all(0 <= later - earlier <= 3 for earlier, later in pairwise(seen))
    assert seen[-1] == pytest.approx(EPOCH + clock.now)


def server_now(store: JobStore) -> float:
    """Return the time of the scripts, in seconds, as a new job has it."""
    return store.get(submit(store), ANONYMOUS).created_at / 1000


def test_a_clock_that_goes_on_takes_jobs_back_in_time(store: JobStore, clock: Clock) -> None:
    job_id = claim(store, submit(store)).id
    run_on(store, clock, LEASE_SECONDS + 0.5)
    assert status(store, job_id) is Status.QUEUED


def test_a_job_that_ends_before_it_began_takes_no_time(store: JobStore, clock: Clock) -> None:
    """What it took is counted for its owner; a number below zero there would break the end of every other."""
    first, second = (claim(store, submit(store)) for _ in range(2))
    clock.set(clock.now - MINUTES)
    for job in (first, second):
        finish(store, job)
    ended = store.get(second.id, ANONYMOUS)
    assert ended.status is Status.SUCCEEDED
    assert all(one.ended_at >= one.started_at for one in ended.history)
    day = datetime.fromtimestamp(EPOCH + clock.now, UTC).date()
    (used,) = UsageStore(store.scripts).read(day, day)
    assert (used.usage.jobs, used.usage.milliseconds) == (2, 0)


@pytest.mark.parametrize(("change", "starts"), [(MINUTES, True), (-MINUTES, False)])
def test_a_job_waits_for_its_time(store: JobStore, clock: Clock, change: float, *, starts: bool) -> None:
    at = datetime.fromtimestamp(EPOCH + clock.now + 60, UTC)
    job_id = submit(store, spec=submission().spec.model_copy(update={"not_before": at}))
    run_on(store, clock, 2)
    clock.set(clock.now + change)
    run_on(store, clock, 50)
    assert [job.id for job in store.claim_next("w1")] == [job_id] * starts
    run_on(store, clock, 10)
    assert starts or [job.id for job in store.claim_next("w1")] == [job_id]
