"""Who runs a job, how often, and until when."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.errors import CorruptImage, IllegalMove, JobNotFound, StorageUnavailable
from shared.identifiers import ANONYMOUS
from shared.jobs.job import Progress
from shared.jobs.queries import JobQueries
from shared.jobs.status import DeadlineExceeded, LeaseLost, Outcome, Status
from shared.jobs.store import JobStore, Reaped, WaitingJobs
from shared.redis.client import Client
from shared.setting_groups import JobRules
from shared.specs.parts import Lane
from shared.workers import Capacity
from tests.support.jobs.job_steps import OUTPUT, claim, lapse, outcomes, pass_deadline, status, submit, urgent

IDLE = (WaitingJobs(Lane.INTERACTIVE, 0, ""), WaitingJobs(Lane.BULK, 0, ""))


def test_a_job_is_claimed_once(store: JobStore) -> None:
    job_id = submit(store)
    with ThreadPoolExecutor(16) as pool:
        claims = list(pool.map(lambda n: store.claim(job_id, f"w{n}"), range(16)))
    assert [c.attempt for c in claims if c] == [1]


def test_a_worker_that_lost_its_lease_changes_nothing(store: JobStore) -> None:
    job_id = submit(store)
    claim(store, job_id)
    lapse(store, job_id)
    assert store.reap().reclaimed == (job_id,)
    assert claim(store, job_id).attempt == 2
    with pytest.raises(LeaseLost):
        store.succeed(job_id, 1, outputs=(OUTPUT,), timings={}, model=("1", "d"))
    with pytest.raises(LeaseLost):
        store.report(job_id, 1, Progress("predict", 0.5))
    assert store.beat([(job_id, 1), (job_id, 2)]) == ["lost", "ok"]
    store.succeed(job_id, 2, outputs=(), timings={}, model=("1", "d"))


def test_a_heartbeat_keeps_the_lease(store: JobStore, redis_client: Client) -> None:
    job_id = submit(store)
    claim(store, job_id)
    lapse(store, job_id)
    assert store.beat([(job_id, 1)]) == ["ok"]
    assert store.reap().reclaimed == ()


def test_a_job_whose_workers_keep_dying_fails_after_its_crash_budget(
    store: JobStore, rules: JobRules
) -> None:
    job_id = submit(store)
    for _ in range(rules.crash_budget):
        claim(store, job_id)
        lapse(store, job_id)
        store.reap()
    job = store.get(job_id, ANONYMOUS)
    assert job.status is Status.FAILED
    assert job.error is not None
    assert job.error["code"] == "worker_lost"
    assert store.client.zcard("atelier:leases") == 0


def test_a_transient_error_is_tried_again_and_then_fails(store: JobStore, rules: JobRules) -> None:
    job_id = submit(store)
    for _ in range(rules.max_attempts - 1):
        store.requeue(job_id, claim(store, job_id).attempt, StorageUnavailable("disk is away"))
        assert status(store, job_id) is Status.QUEUED
    store.requeue(job_id, claim(store, job_id).attempt, StorageUnavailable("disk is away"))
    job = store.get(job_id, ANONYMOUS)
    assert job.status is Status.FAILED
    assert job.error is not None
    assert (job.error["code"], job.error["cause"]["code"]) == ("attempts_exhausted", "storage_unavailable")


def test_a_requeued_job_backs_off(redis_client: Client) -> None:
    store = JobStore(redis_client, JobRules(backoff_seconds=60))
    job_id = submit(store)
    store.requeue(job_id, claim(store, job_id).attempt, StorageUnavailable())
    assert store.claim(job_id, "w1") is None
    assert store.get(job_id, ANONYMOUS).not_before > store.get(job_id, ANONYMOUS).created_at + 29_000


def test_a_released_job_is_rung_at_once_and_its_attempt_does_not_count(store: JobStore) -> None:
    job_id = submit(store)
    claim(store, job_id)
    assert store.release(job_id, 1) == "ok"
    assert store.reap().lines[0] == WaitingJobs(Lane.INTERACTIVE, 1, job_id)
    assert claim(store, job_id).counted_attempts == 1


def test_a_released_job_may_be_claimed_in_the_same_moment(store: JobStore) -> None:
    job_id = submit(store)
    for number in range(1, 50):
        assert claim(store, job_id).attempt == number
        assert store.release(job_id, number) == "ok"


def test_a_released_attempt_is_not_released_again(store: JobStore) -> None:
    job_id = submit(store)
    claim(store, job_id)
    assert store.release(job_id, 1) == "ok"
    assert store.release(job_id, 1) == "lost"


def test_a_job_that_no_worker_started_expires_at_its_deadline(store: JobStore) -> None:
    job_id = submit(store, spec=urgent())
    job = store.get(job_id, ANONYMOUS)
    assert job.deadline_at == job.created_at + 60_000
    pass_deadline(store, job_id)
    assert store.claim(job_id, "w1") is None
    assert store.reap() == Reaped(expired=(job_id,), reclaimed=(), lines=IDLE)
    job = store.get(job_id, ANONYMOUS)
    assert (job.status, job.history, job.attempt) == (Status.EXPIRED, (), 0)
    assert job.error is not None
    assert job.error["code"] == "deadline_exceeded"
    assert job.expires_at is not None
    with pytest.raises(IllegalMove):
        store.cancel(job_id, ANONYMOUS)


def test_a_running_job_expires_at_its_deadline_and_its_worker_is_told(store: JobStore) -> None:
    job_id = submit(store, spec=urgent())
    claim(store, job_id)
    assert store.reap().expired == ()
    pass_deadline(store, job_id)
    lapse(store, job_id)
    assert store.reap() == Reaped(expired=(job_id,), reclaimed=(), lines=IDLE)
    assert store.beat([(job_id, 1)]) == ["expired"]
    with pytest.raises(DeadlineExceeded):
        store.report(job_id, 1, Progress("predict", 0.5))
    with pytest.raises(DeadlineExceeded):
        store.succeed(job_id, 1, outputs=(OUTPUT,), timings={}, model=("1", "d"))
    job = store.get(job_id, ANONYMOUS)
    assert (job.status, job.outputs, outcomes(job)) == (Status.EXPIRED, (), [Outcome.EXPIRED])
    assert store.client.zcard("atelier:leases") == 0


def test_a_job_that_is_done_has_no_deadline_left(store: JobStore) -> None:
    job_id = submit(store, spec=urgent())
    claim(store, job_id)
    store.succeed(job_id, 1, outputs=(), timings={}, model=("1", "d"))
    assert store.client.zcard("atelier:deadlines") == 0


def test_one_pass_ends_so_many_deadlines(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.jobs.store.MOST_REAPED", 2)
    ids = [submit(store, spec=urgent()) for _ in range(3)]
    store.client.zadd("atelier:deadlines", {job_id: 1 for job_id in ids})
    assert [len(store.reap().expired) for _ in range(3)] == [2, 1, 0]


def test_expired_jobs_are_not_waited_for(store: JobStore, queries: JobQueries) -> None:
    store.client.hset("atelier:pace", "mnist-dcgan", 1000)
    late = submit(store, spec=urgent())
    waits = store.get(submit(store), ANONYMOUS)
    pass_deadline(store, late)
    store.reap()
    waiting = queries.waiting(waits, Capacity(1))
    assert waiting is not None
    assert (waiting.position, waiting.eta_seconds) == (1, 1.0)


def test_the_history_tells_how_each_attempt_ended(store: JobStore) -> None:
    job_id = submit(store)
    claim(store, job_id)
    store.release(job_id, 1)
    store.requeue(job_id, claim(store, job_id).attempt, StorageUnavailable())
    claim(store, job_id)
    lapse(store, job_id)
    store.reap()
    claim(store, job_id)
    store.restart(job_id, ANONYMOUS)
    store.fail(job_id, claim(store, job_id).attempt, CorruptImage())
    job = store.get(job_id, ANONYMOUS)
    assert [(ended.number, str(ended.outcome), ended.code) for ended in job.history] == [
        (1, "released", None),
        (2, "transient", "storage_unavailable"),
        (3, "lost", None),
        (4, "requeued", None),
        (5, "failed", "corrupt_image"),
    ]
    assert {ended.worker for ended in job.history} == {"w1"}
    moments = [moment for ended in job.history for moment in (ended.started_at, ended.ended_at)]
    assert moments == sorted(moments)
    assert (job.counted_attempts, job.crashes, moments[-1]) == (3, 1, job.completed_at)


def test_the_history_keeps_the_latest_twenty(store: JobStore) -> None:
    job_id = submit(store)
    for _ in range(23):
        store.release(job_id, claim(store, job_id).attempt)
    assert [ended.number for ended in store.get(job_id, ANONYMOUS).history] == list(range(4, 24))


def test_a_running_job_that_a_person_requeues_may_start_at_once(store: JobStore) -> None:
    job_id = submit(store)
    claim(store, job_id)
    store.restart(job_id, ANONYMOUS)
    assert status(store, job_id) is Status.QUEUED
    assert store.beat([(job_id, 1)]) == ["lost"]
    assert claim(store, job_id).counted_attempts == 1


def test_a_person_ends_the_pause_of_a_queued_job(redis_client: Client, queries: JobQueries) -> None:
    store = JobStore(redis_client, JobRules(backoff_seconds=60))
    job_id = submit(store)
    store.requeue(job_id, claim(store, job_id).attempt, StorageUnavailable())
    told = len(queries.events(job_id))
    assert store.claim(job_id, "w1") is None
    store.restart(job_id, ANONYMOUS)
    assert len(queries.events(job_id)) == told
    assert claim(store, job_id).attempt == 2


def test_only_its_owner_requeues_a_job_and_only_while_it_is_not_done(store: JobStore) -> None:
    job_id = submit(store)
    with pytest.raises(JobNotFound):
        store.restart(job_id, "somebody-else")
    store.cancel(job_id, ANONYMOUS)
    with pytest.raises(IllegalMove):
        store.restart(job_id, ANONYMOUS)
