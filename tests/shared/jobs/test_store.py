"""What is accepted, ended, found and forgotten, and what is told of it."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.cards.card import load_catalog
from shared.errors import CorruptImage, FileNotFound, IdempotencyMismatch, IllegalMove, JobGone, JobNotFound
from shared.identifiers import ANONYMOUS
from shared.jobs import listing
from shared.jobs.job import Progress
from shared.jobs.listing import JobFilter
from shared.jobs.queries import JobQueries
from shared.jobs.status import JobCanceled, LeaseLost, Status
from shared.jobs.store import JobStore, WaitingJobs
from shared.redis.client import Client
from shared.specs.parts import Lane
from shared.specs.spec import JOB_SPEC, resolve
from shared.workers import Capacity
from tests.support.jobs.job_steps import (
    OUTPUT,
    claim,
    pass_deadline,
    status,
    submission,
    submit,
    urgent,
)


def test_a_submitted_job_waits(store: JobStore) -> None:
    job = store.get(submit(store), ANONYMOUS)
    assert (job.status, job.attempt, job.outputs, job.error) == (Status.QUEUED, 0, (), None)
    assert job.spec.seeds == [7]


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
    assert store.reap().lines == (WaitingJobs(Lane.INTERACTIVE, 0, ""), WaitingJobs(Lane.BULK, 3, ids[0]))
    assert store.reap(most_waiting=2).lines[1] == WaitingJobs(Lane.BULK, 2, ids[0])


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


ENDS: dict[str, Callable[[JobStore, str], object]] = {
    "succeeded": lambda store, job_id: store.succeed(
        job_id, claim(store, job_id).attempt, outputs=(), timings={}, model=("1", "d")
    ),
    "failed": lambda store, job_id: store.fail(job_id, claim(store, job_id).attempt, CorruptImage("")),
    "canceled": lambda store, job_id: store.cancel(job_id, ANONYMOUS),
    "expired": lambda store, job_id: (pass_deadline(store, job_id), store.reap()),
}


@pytest.mark.parametrize("end", ENDS)
def test_each_end_wakes_who_waits_for_it_and_nothing_before_does(
    store: JobStore, queries: JobQueries, end: str
) -> None:
    job = store.get(submit(store, spec=urgent()), ANONYMOUS)
    store.report(job.id, claim(store, job.id).attempt, Progress("predict", 0.5))
    store.release(job.id, 1)
    bell = f"atelier:done:{job.id}"
    assert (store.client.exists(bell), queries.end_of(job, 0)) == (0, None)
    ENDS[end](store, job.id)
    assert 0 < store.client.pttl(bell) <= 2_500
    found = queries.end_of(job, 2)
    assert found == store.get(job.id, ANONYMOUS)
    assert found.status == end


def test_the_end_of_a_job_that_an_older_worker_has_done_is_found_by_the_next_look(
    store: JobStore, queries: JobQueries
) -> None:
    job = store.get(submit(store), ANONYMOUS)
    store.cancel(job.id, ANONYMOUS)
    store.client.delete(f"atelier:done:{job.id}")
    found = queries.end_of(job, 0.01)
    assert found is not None
    assert found.is_done


def test_a_wait_for_the_end_of_a_job_ends_with_its_record(store: JobStore, queries: JobQueries) -> None:
    job = store.get(submit(store), ANONYMOUS)
    store.cancel(job.id, ANONYMOUS)
    store.delete(job.id, ANONYMOUS)
    with pytest.raises(JobGone):
        queries.end_of(job, 0.01)


def test_a_submission_tells_the_place_of_its_job_if_asked(store: JobStore, queries: JobQueries) -> None:
    submit(store)
    wanted = submission()
    first = store.submit(wanted, queries.place_of(wanted.id))
    assert first.job is not None
    assert first.place is not None
    waiting = queries.waiting(first.job, Capacity(1), place=first.place)
    assert waiting is not None
    assert waiting.position == 2
    again = replace(wanted, idempotency_key="k")
    assert store.submit(again, queries.place_of(wanted.id)).place is None


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
    assert [j.id for page in (first, second, third) for j in page.items] == ids[::-1]
    assert third.next_cursor is None
    assert [j.id for j in queries.page(ANONYMOUS, JobFilter(Status.CANCELED)).items] == [ids[1]]
    assert queries.page(ANONYMOUS, JobFilter(kind="stylize")).items == ()
    assert queries.page("other").items == ()


def test_a_narrow_filter_looks_at_so_many_jobs_and_then_hands_back_where_it_stopped(
    store: JobStore, queries: JobQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "RECORDS", 2)
    monkeypatch.setattr(listing, "MAX_STEPS", 2)
    ids = [submit(store) for _ in range(6)]
    store.cancel(ids[0], ANONYMOUS)
    first = queries.page(ANONYMOUS, JobFilter(Status.CANCELED))
    assert first.items == ()
    second = queries.page(ANONYMOUS, JobFilter(Status.CANCELED), cursor=first.next_cursor)
    assert ([job.id for job in second.items], first.next_cursor is None) == ([ids[0]], False)


def test_a_waiting_job_knows_its_place(store: JobStore, queries: JobQueries) -> None:
    done = submit(store)
    claim(store, done)
    store.client.hset("atelier:pace", "mnist-dcgan", 1000)
    first, second = submit(store), submit(store)
    waiting = queries.waiting(store.get(second, ANONYMOUS), Capacity(1))
    assert waiting is not None
    assert waiting.position == 2
    assert waiting.eta_seconds == pytest.approx(3.0, abs=0.9)  # less what the running one has done already
    assert queries.waiting(store.get(done, ANONYMOUS), Capacity(1)) is None
    unknown = queries.waiting(store.get(first, ANONYMOUS), Capacity(0))
    assert unknown is not None
    assert (unknown.position, unknown.eta_seconds) == (1, None)
    assert queries.depths() == {Lane.INTERACTIVE: 2, Lane.BULK: 0}


def test_ids_may_hold_any_allowed_text(store: JobStore) -> None:
    name = uuid.uuid4().hex
    assert store.submit(submission(id=name)).id == name
