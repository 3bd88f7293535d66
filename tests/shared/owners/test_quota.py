"""Quotas: what an owner may have, asked for in the script that accepts, and counted back when it goes."""

import random
from collections.abc import Callable

import pytest

from shared.batches.batch import BatchDraft, ItemDraft
from shared.batches.request import BatchSettings
from shared.batches.store import SWEPT, BatchStore
from shared.errors import QuotaExceeded
from shared.identifiers import ANONYMOUS, new_batch_id
from shared.jobs.job import Job
from shared.jobs.store import JobStore
from shared.owners.quota import QuotaStore
from shared.redis.client import Client
from shared.setting_groups import BatchRules, JobRules, QuotaRules
from shared.specs.results import Results
from tests.support.jobs.batch_steps import begin, fail, finish, items
from tests.support.jobs.job_steps import claim, lapse, submission, submit

SOME = Results(pictures=1, pixels=100, bytes=5000)


@pytest.fixture
def batches(store: JobStore) -> BatchStore:
    return BatchStore(store, BatchRules())


@pytest.fixture
def quotas(store: JobStore) -> QuotaStore:
    return QuotaStore(store.scripts, store.quotas)


def refused(store: JobStore, **changes: object) -> tuple[str, int, int, int]:
    with pytest.raises(QuotaExceeded) as caught:
        submit(store, **changes)
    use = caught.value.use
    assert use is not None
    return (use.name, use.limit, use.used, use.asked)


def test_one_job_more_than_may_wait_is_refused_and_leaves_nothing(
    store: JobStore, quotas: QuotaStore
) -> None:
    quotas.set(ANONYMOUS, {"queued": 2})
    submit(store)
    submit(store)
    before = store.client.dbsize()
    assert refused(store) == ("queued", 2, 2, 1)
    assert store.client.dbsize() == before
    submit(store, owner="other")


def test_a_repetition_finds_its_job_though_the_quota_is_spent(store: JobStore, quotas: QuotaStore) -> None:
    quotas.set(ANONYMOUS, {"queued": 1})
    first = store.submit(submission(idempotency_key="k"))
    assert store.submit(submission(idempotency_key="k")).id == first.id


def test_a_job_that_started_waits_no_more_and_one_that_came_back_does(
    store: JobStore, quotas: QuotaStore
) -> None:
    job = claim(store, submit(store))
    assert quotas.read(ANONYMOUS).used["queued"] == 0
    assert quotas.read(ANONYMOUS).used["running"] == 1
    store.release(job.id, job.attempt)
    assert quotas.read(ANONYMOUS).used["queued"] == 1
    store.cancel(job.id, ANONYMOUS)
    assert quotas.read(ANONYMOUS).used == dict.fromkeys(QuotaRules.model_fields, 0)


def test_promised_bytes_become_those_that_a_result_takes_until_it_is_forgotten(
    store: JobStore, quotas: QuotaStore
) -> None:
    quotas.set(ANONYMOUS, {"stored_bytes": 12_000})
    job_id = submit(store, results=SOME)
    submit(store, results=SOME)
    assert refused(store, results=SOME) == ("stored_bytes", 12_000, 10_000, 5000)
    finish(store, claim(store, job_id))
    assert quotas.read(ANONYMOUS).used["stored_bytes"] == 4096 + 5000
    store.delete(job_id, ANONYMOUS)
    assert quotas.read(ANONYMOUS).used["stored_bytes"] == 5000


def test_bytes_that_equal_jobs_share_count_once_and_go_with_the_last(
    store: JobStore, quotas: QuotaStore
) -> None:
    spec = submission().spec.model_copy(update={"cache": True})
    first = submit(store, spec=spec, results=SOME)
    second = submit(store, spec=spec, results=SOME)
    finish(store, claim(store, first))
    assert quotas.read(ANONYMOUS).used["stored_bytes"] == 4096
    assert quotas.read(ANONYMOUS).used["daily_pixels"] == 100
    store.delete(first, ANONYMOUS)
    assert quotas.read(ANONYMOUS).used["stored_bytes"] == 4096
    store.delete(second, ANONYMOUS)
    assert quotas.read(ANONYMOUS).used["stored_bytes"] == 0


def test_pixels_count_for_the_day_and_come_back_from_what_never_started(
    store: JobStore, quotas: QuotaStore
) -> None:
    quotas.set(ANONYMOUS, {"daily_pixels": 250})
    job = claim(store, submit(store, results=SOME))
    waiting = submit(store, results=SOME)
    assert refused(store, results=SOME) == ("daily_pixels", 250, 200, 100)
    store.cancel(waiting, ANONYMOUS)
    store.cancel(job.id, ANONYMOUS)
    assert quotas.read(ANONYMOUS).used["daily_pixels"] == 100
    store.client.hset("atelier:holdings:anonymous", "day", 1)  # the night passes
    assert quotas.read(ANONYMOUS).used["daily_pixels"] == 0
    submit(store, results=SOME)
    assert quotas.read(ANONYMOUS).used["daily_pixels"] == 100


def test_a_refusal_says_how_long_time_takes_to_help(store: JobStore, quotas: QuotaStore) -> None:
    quotas.set(ANONYMOUS, {"daily_pixels": 1})
    with pytest.raises(QuotaExceeded, match="100 more") as caught:
        submit(store, results=SOME)
    assert 0 < (caught.value.retry_after_seconds or 0) <= 24 * 3600
    quotas.set(ANONYMOUS, {"daily_pixels": 0, "stored_bytes": 1})
    with pytest.raises(QuotaExceeded) as caught:
        submit(store, results=SOME)
    assert caught.value.retry_after_seconds is None


def test_an_owner_runs_as_many_at_once_as_it_may_and_others_go_on(
    store: JobStore, quotas: QuotaStore
) -> None:
    quotas.set("a", {"running": 1})
    for _ in range(3):
        submit(store, owner="a")
    mine = submit(store, owner="b")
    owners = []
    while claimed := store.claim_next("w"):
        owners.append(claimed[0].owner)
    assert sorted(owners) == ["a", "b"]
    assert store.get(mine, "b").attempt == 1
    running = next(job for job in map(lambda name: store.get(name, "a"), _ids(store, "a")) if job.attempt)
    finish(store, running)
    assert [job.owner for job in store.claim_next("w")] == ["a"]


def _ids(store: JobStore, owner: str) -> list[str]:
    names: list[str] = store.client.zrange(f"atelier:owner:{owner}:jobs", 0, -1)
    return names


def test_light_items_of_a_batch_start_together_within_the_quota(
    store: JobStore, batches: BatchStore, quotas: QuotaStore
) -> None:
    quotas.set("a", {"running": 3})
    batch, _ = batches.open(BatchDraft(new_batch_id(), "a", BatchSettings(), "f"))
    batches.append(batch.id, "a", items(10), first=0)
    assert len(store.claim_next("w", most=16)) == 3
    assert store.claim_next("w", most=16) == []


def test_the_settings_limit_owners_that_have_no_quota_of_their_own(redis_client: Client) -> None:
    strict = JobStore(redis_client, JobRules(), QuotaRules(queued=1, running=1))
    quotas = QuotaStore(strict.scripts, strict.quotas)
    quotas.set("b", {"queued": 0})
    submit(strict, owner="a")
    assert refused(strict, owner="a") == ("queued", 1, 1, 1)
    for _ in range(3):
        submit(strict, owner="b")
    assert quotas.read("b").limits["running"] == 1
    quotas.set("b", {"queued": None})
    assert refused(strict, owner="b") == ("queued", 1, 3, 1)


def test_items_that_pass_the_quota_are_refused_as_a_chunk(
    store: JobStore, batches: BatchStore, quotas: QuotaStore
) -> None:
    quotas.set(ANONYMOUS, {"queued": 5})
    batch_id = begin(batches, 4)
    with pytest.raises(QuotaExceeded, match="2 more"):
        batches.append(batch_id, ANONYMOUS, items(2, first=4), first=4)
    assert batches.get(batch_id, ANONYMOUS).counts["total"] == 4
    assert batches.append(batch_id, ANONYMOUS, items(5), first=0) == 5, "four of them are there already"


def test_failed_items_go_again_all_or_none(store: JobStore, batches: BatchStore, quotas: QuotaStore) -> None:
    batch_id = begin(batches, SWEPT + 4)
    batches.finalize(batch_id, ANONYMOUS)
    for job in store.claim_next("w", most=SWEPT + 4):
        fail(store, job)
    quotas.set(ANONYMOUS, {"queued": SWEPT + 3})
    with pytest.raises(QuotaExceeded, match=f"{SWEPT + 4} more"):
        batches.retry_failed(batch_id, ANONYMOUS)
    assert batches.get(batch_id, ANONYMOUS).counts["failed"] == SWEPT + 4
    quotas.set(ANONYMOUS, {"queued": SWEPT + 4})
    assert batches.retry_failed(batch_id, ANONYMOUS) == SWEPT + 4
    assert quotas.read(ANONYMOUS).used["queued"] == SWEPT + 4


def _submit(store: JobStore, _: list[Job]) -> None:
    submit(store, results=SOME)


def _claim(store: JobStore, running: list[Job]) -> None:
    running += store.claim_next("w", most=2)


def _ending(end: Callable[[JobStore, Job], object]) -> Callable[[JobStore, list[Job]], None]:
    def step(store: JobStore, running: list[Job]) -> None:
        if running:
            end(store, running.pop())

    return step


def _lose(store: JobStore, job: Job) -> None:
    lapse(store, job.id)
    store.reap()


STEPS = (
    _submit,
    _claim,
    _ending(finish),
    _ending(fail),
    _ending(lambda store, job: store.release(job.id, job.attempt)),
    _ending(_lose),
)


def test_counts_are_true_whatever_becomes_of_jobs(
    store: JobStore, batches: BatchStore, quotas: QuotaStore
) -> None:
    chance = random.Random(7)
    batch, _ = batches.open(BatchDraft(new_batch_id(), ANONYMOUS, BatchSettings(), "f"))
    drafts = [ItemDraft(item.custom_id, item.spec, results=SOME) for item in items(8)]
    batches.append(batch.id, ANONYMOUS, drafts, first=0)
    running: list[Job] = []
    for _ in range(80):
        chance.choice(STEPS)(store, running)
        assert quotas.read(ANONYMOUS).used["queued"] == _waiting(store)
    batches.cancel(batch.id, ANONYMOUS)
    for name in _ids(store, ANONYMOUS):
        if not store.get(name, ANONYMOUS).is_done:
            store.cancel(name, ANONYMOUS)
        store.delete(name, ANONYMOUS)
    batches.delete(batch.id, ANONYMOUS)
    used = dict(quotas.read(ANONYMOUS).used)
    assert used | {"daily_pixels": 0} == dict.fromkeys(QuotaRules.model_fields, 0)


def _waiting(store: JobStore) -> int:
    names = store.client.scan_iter(match="atelier:job:*")
    return sum(store.client.hget(name, "status") == "queued" for name in names)
