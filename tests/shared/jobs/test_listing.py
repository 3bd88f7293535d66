"""Lists in which items of batches stand among jobs: complete, in order, each once, whatever the page."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.local.redis_server import EmbeddedServer
from shared.batches.store import BatchStore
from shared.identifiers import ANONYMOUS
from shared.jobs import listing as listing_module
from shared.jobs import reading
from shared.jobs.job import Job
from shared.jobs.listing import JobFilter, JobList
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.redis.client import Client, connect
from shared.setting_groups import BatchRules, JobRules
from tests.support.jobs.batch_steps import begin, drain, fail, finish, items
from tests.support.jobs.job_steps import submit

OUTCOMES = st.sampled_from(["failed", "succeeded", "queued", "running"])
MIXES = st.lists(st.one_of(OUTCOMES, st.lists(OUTCOMES, max_size=6)), max_size=8)
Mix = list[str | list[str]]


@pytest.fixture(scope="module")
def shared_client(module_server: EmbeddedServer) -> Iterator[Client]:
    client = connect(module_server.url)
    yield client
    client.close()


def whole(listing: JobList, only: JobFilter, limit: int) -> list[Job]:
    """Read a list page by page."""
    found: list[Job] = []
    cursor: str | None = None
    for _ in range(1000):
        page = listing.page(ANONYMOUS, only, limit=limit, cursor=cursor, items=True)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


def carry_out(store: JobStore, job_id: str, outcome: str) -> None:
    if outcome == "queued":
        return
    job = store.claim(job_id, "w")
    assert job is not None
    if outcome == "failed":
        fail(store, job)
    elif outcome == "succeeded":
        finish(store, job)


def make(store: JobStore, batches: BatchStore, mix: Mix) -> list[tuple[str, str]]:
    """Make jobs and batches; return the id and the outcome of each job and each item, newest first."""
    made: list[list[tuple[str, str]]] = []
    for entry in mix:
        if isinstance(entry, str):
            ids, outcomes = [submit(store)], [entry]
        else:
            batch = begin(batches, len(entry))
            ids, outcomes = [f"job_{batch[6:]}-{n}" for n in range(len(entry))], entry
        for job_id, outcome in zip(ids, outcomes, strict=True):
            carry_out(store, job_id, outcome)
        made.append(list(zip(ids, outcomes, strict=True)))
    return [pair for group in reversed(made) for pair in reversed(group)]


@given(
    mix=MIXES,
    status=st.sampled_from([None, *Status]),
    limit=st.integers(1, 5),
    chunk=st.integers(1, 4),
    size=st.integers(1, 4000),
)
@settings(max_examples=60)
def test_every_job_and_item_of_a_status_is_listed_once_newest_first_whatever_the_page(
    shared_client: Client, mix: Mix, status: Status | None, limit: int, chunk: int, size: int
) -> None:
    shared_client.flushall()
    store = JobStore(shared_client, JobRules(lease_seconds=60))
    batches = BatchStore(store, BatchRules())
    made = make(store, batches, mix)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RECORDS", "BATCHES"):
            patch.setattr(listing_module, name, chunk)
        patch.setattr(reading, "PAGE_BYTES", size)
        patch.setattr(reading, "AT_ONCE", chunk)
        found = whole(JobList(store), JobFilter(status), limit)
    wanted = [(job_id, outcome) for job_id, outcome in made if status in (None, outcome)]
    assert [(job.id, str(job.status)) for job in found] == wanted


@pytest.fixture
def listing(store: JobStore) -> JobList:
    return JobList(store)


def failed(listing: JobList, limit: int = 100) -> list[str]:
    return [job.id for job in whole(listing, JobFilter(Status.FAILED), limit)]


def test_of_an_item_that_was_tried_again_the_latest_job_counts(
    store: JobStore, batches: BatchStore, listing: JobList
) -> None:
    batch = begin(batches, 2)
    for job in drain(store):
        fail(store, job)
    assert failed(listing) == [f"job_{batch[6:]}-1", f"job_{batch[6:]}-0"]
    batches.retry_failed(batch, ANONYMOUS)
    assert failed(listing) == []
    (first, _) = drain(store)
    fail(store, first)
    assert failed(listing) == [f"job_{batch[6:]}-0-1"]


def test_pages_hold_still_while_jobs_and_items_come_and_go(
    store: JobStore, batches: BatchStore, listing: JobList
) -> None:
    batch = begin(batches, 4)
    for job in drain(store):
        fail(store, job)
    first = listing.page(ANONYMOUS, JobFilter(Status.FAILED), limit=2, cursor=None, items=True)
    batches.append(batch, ANONYMOUS, items(3, first=4), first=4)
    newer = submit(store)
    for job in drain(store):
        fail(store, job)
    rest = listing.page(ANONYMOUS, JobFilter(Status.FAILED), limit=9, cursor=first.next_cursor, items=True)
    assert [job.index for job in (*first.items, *rest.items)] == [3, 2, 1, 0]
    assert failed(listing)[0] == newer


def test_a_batch_that_is_forgotten_while_it_is_listed_ends_there(
    store: JobStore, batches: BatchStore, listing: JobList
) -> None:
    older = submit(store)
    batch = begin(batches, 3)
    batches.finalize(batch, ANONYMOUS)
    for job in drain(store):
        fail(store, job)
    page = listing.page(ANONYMOUS, JobFilter(Status.FAILED), limit=1, cursor=None, items=True)
    batches.delete(batch, ANONYMOUS)
    rest = listing.page(ANONYMOUS, JobFilter(Status.FAILED), limit=9, cursor=page.next_cursor, items=True)
    assert ([job.id for job in rest.items], rest.next_cursor) == ([older], None)


def test_a_page_looks_at_so_many_records_and_no_more(
    store: JobStore, batches: BatchStore, listing: JobList, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(batches, 60)
    (first,) = store.claim_next("w")
    finish(store, first)
    monkeypatch.setattr(listing_module, "RECORDS", 10)
    monkeypatch.setattr(listing_module, "MAX_STEPS", 3)
    page = listing.page(ANONYMOUS, JobFilter(Status.SUCCEEDED), limit=5, cursor=None, items=True)
    assert page.items == ()
    assert page.next_cursor is not None
    assert [job.id for job in whole(listing, JobFilter(Status.SUCCEEDED), 5)] == [first.id]


def test_failed_items_of_a_large_batch_are_on_the_first_page(
    store: JobStore, batches: BatchStore, listing: JobList, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = begin(batches, 60)
    for job in store.claim_next("w", most=2):
        fail(store, job)
    monkeypatch.setattr(listing_module, "RECORDS", 10)
    monkeypatch.setattr(listing_module, "MAX_STEPS", 3)
    page = listing.page(ANONYMOUS, JobFilter(Status.FAILED), limit=5, cursor=None, items=True)
    assert ([job.index for job in page.items], page.next_cursor) == ([1, 0], None)
    # a batch of an older version does not know which of its items failed
    store.client.delete(store.scripts.keys("batch_dead", batch))
    assert [job.index for job in whole(listing, JobFilter(Status.FAILED), 5)] == [1, 0]
    assert [job.index for job in batches.items(batch, ANONYMOUS, status=Status.FAILED).items] == [0, 1]


@pytest.mark.parametrize("status", [None, Status.FAILED, Status.QUEUED, Status.EXPIRED])
def test_items_that_a_list_of_jobs_leaves_out_are_counted(
    store: JobStore, batches: BatchStore, listing: JobList, status: Status | None
) -> None:
    submit(store)
    for count in (3, 2):
        begin(batches, count)
    jobs: Sequence[Job] = [job for job in drain(store) if job.batch_id]
    fail(store, jobs[0])
    store.release(jobs[1].id, jobs[1].attempt)
    expected = {None: 5, Status.FAILED: 1, Status.QUEUED: 1, Status.EXPIRED: 0}
    assert listing.unlisted(ANONYMOUS, status) == expected[status]
