"""Usage: every attempt counts once, with its end."""

import pytest

from shared.batches.store import BatchStore
from shared.identifiers import ANONYMOUS
from shared.jobs.store import JobStore
from shared.owners.usage import Usage, UsageStore
from shared.redis.client import Client
from shared.setting_groups import BatchRules, JobRules
from shared.specs.results import Results
from tests.support.jobs.batch_steps import draft, fail, finish, items
from tests.support.jobs.job_steps import claim, lapse, submission, submit

SOME = Results(pictures=1, pixels=100, bytes=5000)


@pytest.fixture
def usage(store: JobStore) -> UsageStore:
    return UsageStore(store.scripts)


def taken(usage: UsageStore) -> list[Usage]:
    today = usage.today()
    return [entry.usage for entry in usage.read(today, today)]


def let_pass(store: JobStore, job_id: str, milliseconds: int) -> None:
    """Let a running attempt be older, without waiting for it."""
    store.client.hincrby(f"atelier:job:{job_id}", "started_at", -milliseconds)


def test_a_success_counts_once_however_often_it_is_told(store: JobStore, usage: UsageStore) -> None:
    job = claim(store, submit(store, results=SOME, key="k1"))
    let_pass(store, job.id, 2000)
    finish(store, job)
    finish(store, job)
    (entry,) = taken(usage)
    assert (entry.owner, entry.key, entry.model) == (ANONYMOUS, "k1", "mnist-dcgan")
    assert (entry.jobs, entry.pixels, entry.bytes) == (1, 100, 4096)
    assert 2000 <= entry.milliseconds < 60_000


def test_a_failed_attempt_counts_its_time_and_no_result(store: JobStore, usage: UsageStore) -> None:
    job = claim(store, submit(store))
    let_pass(store, job.id, 2000)
    fail(store, job)
    (entry,) = taken(usage)
    assert (entry.jobs, entry.pixels, entry.bytes, entry.key) == (0, 0, 0, None)
    assert entry.milliseconds >= 2000


def test_an_attempt_whose_worker_was_killed_counts_nothing_and_the_next_one_counts_once(
    store: JobStore, usage: UsageStore
) -> None:
    job = claim(store, submit(store))
    let_pass(store, job.id, 60_000)
    lapse(store, job.id)
    store.reap()
    store.release(claim(store, job.id).id, 2)
    assert taken(usage) == []
    finish(store, claim(store, job.id))
    (entry,) = taken(usage)
    assert (entry.jobs, entry.pixels) == (1, 28 * 28)
    assert entry.milliseconds < 60_000


def test_a_result_that_was_there_counts_nothing(store: JobStore, usage: UsageStore) -> None:
    spec = submission().spec.model_copy(update={"cache": True})
    first, _ = submit(store, spec=spec), submit(store, spec=spec)
    finish(store, claim(store, first))
    assert [entry.jobs for entry in taken(usage)] == [1]


def test_items_count_for_the_key_that_opened_their_batch(store: JobStore, usage: UsageStore) -> None:
    batches = BatchStore(store, BatchRules())
    batch, _ = batches.open(draft(key="k2"))
    batches.append(batch.id, ANONYMOUS, items(3), first=0)
    for job in store.claim_next("w", most=16):
        finish(store, job)
    assert [(entry.key, entry.jobs) for entry in taken(usage)] == [("k2", 3)]


def test_a_day_is_forgotten_after_its_time(redis_client: Client) -> None:
    store = JobStore(redis_client, JobRules(usage_days=2))
    finish(store, claim(store, submit(store)))
    (name,) = redis_client.scan_iter(match="atelier:usage:*")
    assert 2 * 24 * 3600 <= redis_client.ttl(name) <= 3 * 24 * 3600
