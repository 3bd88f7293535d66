import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import job_queries, job_store
from shared.cards import load_catalog
from shared.errors import (
    CorruptImage,
    DeadlineExceeded,
    FileNotFound,
    IdempotencyMismatch,
    IllegalMove,
    JobCanceled,
    JobGone,
    JobNotFound,
    LeaseLost,
    StorageUnavailable,
)
from shared.identifiers import ANONYMOUS, new_job_id
from shared.job_queries import JobFilter, JobQueries
from shared.job_store import JobStore, Line, Reaped
from shared.jobs import Job, Progress, StoredOutput
from shared.redis_server import Client
from shared.settings import JobRules
from shared.specs import JOB_SPEC, JobSpec, resolve
from shared.status import Lane, Outcome, Status
from shared.submission import Submission

IDLE = (Line(Lane.INTERACTIVE, 0, ""), Line(Lane.BULK, 0, ""))
OUTPUT = StoredOutput("outputs/x/1/0.png", "image/png", 28, 28, 100, "ab" * 32, seed=7)


def submission(**changes: object) -> Submission:
    spec = resolve(JOB_SPEC.validate_python({"type": "generate", "seed": 7}), load_catalog())
    fields = {"id": new_job_id(), "owner": ANONYMOUS, "spec": spec, "fingerprint": "f"}
    return Submission(**{**fields, **changes})  # type: ignore[arg-type]


def submit(store: JobStore, **changes: object) -> str:
    return store.submit(submission(**changes)).id


def claim(store: JobStore, job_id: str) -> Job:
    job = store.claim(job_id, "w1")
    assert job is not None
    return job


def status(store: JobStore, job_id: str) -> Status:
    return store.get(job_id, ANONYMOUS).status


def lapse(store: JobStore, job_id: str) -> None:
    """Let the lease of a running job run out, without waiting for it."""
    assert store.client.zadd("atelier:leases", {job_id: 1}, xx=True) == 0


def urgent() -> JobSpec:
    """Return a specification with a deadline."""
    return submission().spec.model_copy(update={"deadline_seconds": 60})


def pass_deadline(store: JobStore, job_id: str) -> None:
    """Let a deadline pass, without waiting for it."""
    store.client.hset(f"atelier:job:{job_id}", "deadline_at", 1)
    assert store.client.zadd("atelier:deadlines", {job_id: 1}, xx=True) == 0


def outcomes(job: Job) -> list[Outcome]:
    return [ended.outcome for ended in job.history]


def test_a_submitted_job_waits(store: JobStore) -> None:
    job = store.get(submit(store), ANONYMOUS)
    assert (job.status, job.attempt, job.outputs, job.error) == (Status.QUEUED, 0, (), None)
    assert job.spec.seeds == [7]


def test_a_job_is_claimed_once(store: JobStore) -> None:
    job_id = submit(store)
    with ThreadPoolExecutor(16) as pool:
        claims = list(pool.map(lambda n: store.claim(job_id, f"w{n}"), range(16)))
    assert [c.attempt for c in claims if c] == [1]


def test_a_success_is_final(store: JobStore) -> None:
    job_id = submit(store)
    claim(store, job_id)
    store.succeed(job_id, 1, outputs=(OUTPUT,), timings={"predict": 0.1}, model=("1", "d"))
    job = store.get(job_id, ANONYMOUS)
    assert (job.status, job.outputs, job.model_digest) == (Status.SUCCEEDED, (OUTPUT,), "d")
    assert job.expires_at is not None
    with pytest.raises(LeaseLost):
        store.fail(job_id, 1, CorruptImage("late"))
    with pytest.raises(IllegalMove):
        store.cancel(job_id, ANONYMOUS)
    assert status(store, job_id) is Status.SUCCEEDED


def test_a_worker_that_lost_its_lease_changes_nothing(store: JobStore) -> None:
    job_id = submit(store)
    claim(store, job_id)
    lapse(store, job_id)
    assert store.reap().taken_back == (job_id,)
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
    assert store.reap().taken_back == ()


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
    assert store.reap().lines[0] == Line(Lane.INTERACTIVE, 1, job_id)
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


def test_a_canceled_job_never_runs(store: JobStore) -> None:
    job_id = submit(store)
    store.cancel(job_id, ANONYMOUS)
    store.cancel(job_id, ANONYMOUS)
    assert store.claim(job_id, "w1") is None
    assert status(store, job_id) is Status.CANCELED


def test_a_running_job_is_canceled_at_once_and_its_worker_told(store: JobStore) -> None:
    job_id = submit(store)
    claim(store, job_id)
    store.cancel(job_id, ANONYMOUS)
    assert status(store, job_id) is Status.CANCELED
    assert store.beat([(job_id, 1)]) == ["canceled"]
    with pytest.raises(JobCanceled):
        store.succeed(job_id, 1, outputs=(OUTPUT,), timings={}, model=("1", "d"))


def test_a_job_that_no_worker_started_expires_at_its_deadline(store: JobStore) -> None:
    job_id = submit(store, spec=urgent())
    job = store.get(job_id, ANONYMOUS)
    assert job.deadline_at == job.created_at + 60_000
    pass_deadline(store, job_id)
    assert store.claim(job_id, "w1") is None
    assert store.reap() == Reaped(expired=(job_id,), taken_back=(), lines=IDLE)
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
    assert store.reap() == Reaped(expired=(job_id,), taken_back=(), lines=IDLE)
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
    monkeypatch.setattr(job_store, "MOST_REAPED", 2)
    ids = [submit(store, spec=urgent()) for _ in range(3)]
    store.client.zadd("atelier:deadlines", {job_id: 1 for job_id in ids})
    assert [len(store.reap().expired) for _ in range(3)] == [2, 1, 0]


def test_expired_jobs_are_not_waited_for(store: JobStore, queries: JobQueries) -> None:
    store.client.hset("atelier:pace", "mnist-dcgan", 1000)
    late = submit(store, spec=urgent())
    waits = store.get(submit(store), ANONYMOUS)
    pass_deadline(store, late)
    store.reap()
    waiting = queries.waiting(waits, slots=1)
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


def test_the_same_key_at_once_makes_one_job(store: JobStore) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: store.submit(submission(idempotency_key="k")), range(50)))
    assert len({m.id for m in made}) == 1
    assert sum(m.created for m in made) == 1


def test_a_key_with_another_request_is_refused(store: JobStore) -> None:
    submit(store, idempotency_key="k")
    with pytest.raises(IdempotencyMismatch):
        submit(store, idempotency_key="k", fingerprint="other")


def test_an_id_of_the_clients_makes_one_job(store: JobStore) -> None:
    assert store.submit(submission(id="mine")).created
    assert not store.submit(submission(id="mine")).created
    with pytest.raises(IdempotencyMismatch):
        submit(store, id="mine", fingerprint="other")
    with pytest.raises(IdempotencyMismatch):
        submit(store, id="mine", owner="somebody-else")


def test_missing_inputs_are_named_by_field(store: JobStore) -> None:
    absent = "file_" + "0" * 64
    raw = {"type": "stylize", "content": absent, "styles": [{"image": absent}]}
    with pytest.raises(FileNotFound) as caught:
        submit(store, spec=resolve(JOB_SPEC.validate_python(raw), load_catalog()))
    assert [e.pointer for e in caught.value.errors] == ["/content", "/styles/0/image"]


def test_nobody_reads_anothers_job(store: JobStore) -> None:
    job_id = submit(store, owner="alice")
    with pytest.raises(JobNotFound):
        store.get(job_id, ANONYMOUS)
    with pytest.raises(JobNotFound):
        store.cancel(job_id, ANONYMOUS)
    with pytest.raises(JobNotFound):
        store.delete(job_id, ANONYMOUS)


def test_a_deleted_job_is_gone_and_its_bytes_are_garbage(store: JobStore, redis_client: Client) -> None:
    job_id = submit(store)
    with pytest.raises(IllegalMove):
        store.delete(job_id, ANONYMOUS)
    store.cancel(job_id, ANONYMOUS)
    store.delete(job_id, ANONYMOUS)
    with pytest.raises(JobGone):
        store.get(job_id, ANONYMOUS)
    with pytest.raises(JobGone):
        submit(store, id=job_id)
    assert redis_client.zrange("atelier:garbage", 0, -1) == [f"outputs/{job_id}/"]


def test_jobs_expire_after_their_time_to_live(store: JobStore, redis_client: Client) -> None:
    job_id = submit(store)
    store.cancel(job_id, ANONYMOUS)
    assert store.expire() == []
    redis_client.zadd("atelier:expiring", {job_id: 1})
    assert store.expire() == [job_id]
    with pytest.raises(JobGone):
        store.get(job_id, ANONYMOUS)


def test_what_waits_in_a_lane_is_counted_as_far_as_is_asked(store: JobStore) -> None:
    ids = [submit(store, spec=submission().spec.model_copy(update={"lane": Lane.BULK})) for _ in range(3)]
    assert store.reap().lines == (Line(Lane.INTERACTIVE, 0, ""), Line(Lane.BULK, 3, ids[0]))
    assert store.reap(most_waiting=2).lines[1] == Line(Lane.BULK, 2, ids[0])


def test_events_tell_the_story_in_order(store: JobStore, queries: JobQueries) -> None:
    job_id = submit(store)
    claim(store, job_id)
    store.report(job_id, 1, Progress("predict", 0.5))
    store.succeed(job_id, 1, outputs=(), timings={}, model=("1", "d"))
    events = queries.events(job_id)
    story = [e.data.get("status") or e.data["stage"] for e in events]
    assert story == ["queued", "running", "predict", "succeeded"]
    assert queries.events(job_id, after=events[1].id) == events[2:]
    assert queries.last_event_id(job_id) == events[-1].id


def test_every_change_has_a_new_version(store: JobStore) -> None:
    job_id = submit(store)
    versions = [store.get(job_id, ANONYMOUS).version, claim(store, job_id).version]
    store.report(job_id, 1, Progress("predict", 0.5))
    versions.append(store.get(job_id, ANONYMOUS).version)
    store.cancel(job_id, ANONYMOUS)
    versions.append(store.get(job_id, ANONYMOUS).version)
    assert versions == sorted(set(versions))


def test_pages_list_newest_first_and_end(store: JobStore, queries: JobQueries) -> None:
    ids = [submit(store) for _ in range(5)]
    store.cancel(ids[1], ANONYMOUS)
    first = queries.page(ANONYMOUS, limit=2)
    second = queries.page(ANONYMOUS, limit=2, cursor=first.next_cursor)
    third = queries.page(ANONYMOUS, limit=2, cursor=second.next_cursor)
    assert [j.id for page in (first, second, third) for j in page.jobs] == ids[::-1]
    assert third.next_cursor is None
    assert [j.id for j in queries.page(ANONYMOUS, JobFilter(Status.CANCELED)).jobs] == [ids[1]]
    assert queries.page(ANONYMOUS, JobFilter(kind="stylize")).jobs == ()
    assert queries.page("other").jobs == ()


def test_a_narrow_filter_looks_at_so_many_jobs_and_then_hands_back_where_it_stopped(
    store: JobStore, queries: JobQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_queries, "SCAN_CHUNK", 2)
    monkeypatch.setattr(job_queries, "MAX_SCANNED", 4)
    ids = [submit(store) for _ in range(6)]
    store.cancel(ids[0], ANONYMOUS)
    first = queries.page(ANONYMOUS, JobFilter(Status.CANCELED))
    assert first.jobs == ()
    second = queries.page(ANONYMOUS, JobFilter(Status.CANCELED), cursor=first.next_cursor)
    assert ([job.id for job in second.jobs], first.next_cursor is None) == ([ids[0]], False)


def test_a_waiting_job_knows_its_place(store: JobStore, queries: JobQueries) -> None:
    done = submit(store)
    claim(store, done)
    store.client.hset("atelier:pace", "mnist-dcgan", 1000)
    first, second = submit(store), submit(store)
    waiting = queries.waiting(store.get(second, ANONYMOUS), slots=1)
    assert waiting is not None
    assert (waiting.position, waiting.eta_seconds) == (2, 3.0)
    assert queries.waiting(store.get(done, ANONYMOUS), slots=1) is None
    unknown = queries.waiting(store.get(first, ANONYMOUS), slots=0)
    assert unknown is not None
    assert (unknown.position, unknown.eta_seconds) == (1, None)
    assert queries.depths() == {Lane.INTERACTIVE: 2, Lane.BULK: 0}


def test_ids_may_hold_any_allowed_text(store: JobStore) -> None:
    name = uuid.uuid4().hex
    assert store.submit(submission(id=name)).id == name
