"""What a batch takes in, shows and forgets."""

from dataclasses import replace

import pytest

from shared.batches.batch import BatchDraft, BatchStatus, ItemDraft
from shared.batches.request import BatchSettings
from shared.batches.store import CHUNK, BatchStore
from shared.errors import (
    BatchNotFound,
    FileInUse,
    FileNotFound,
    IdempotencyMismatch,
    IllegalMove,
    InvalidRequest,
    JobGone,
)
from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS, is_job_id, new_batch_id
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.queries import JobQueries
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.setting_groups import BatchRules
from shared.specs.spec import JOB_SPEC
from tests.support.images import pictures
from tests.support.jobs.batch_steps import begin, counts, draft, drain, fail, finish, items
from tests.support.jobs.job_steps import OUTPUT


@pytest.fixture
def picture_file(files: FileStore) -> str:
    picture = pictures.png(32, 24)
    return files.add(ANONYMOUS, picture, probe(picture, ImageLimits()))[0].id


def test_an_open_batch_works_and_does_not_complete(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 2)
    for job in drain(store):
        finish(store, job)
    assert batches.get(batch_id, ANONYMOUS).status is BatchStatus.OPEN
    assert batches.append(batch_id, ANONYMOUS, items(1, first=2), first=2) == 3
    (job,) = drain(store)
    assert job.index == 2
    finish(store, job)
    batches.finalize(batch_id, ANONYMOUS)
    assert batches.get(batch_id, ANONYMOUS).status is BatchStatus.COMPLETED
    with pytest.raises(IllegalMove):
        batches.append(batch_id, ANONYMOUS, items(1, first=3), first=3)


def test_an_empty_batch_completes_at_once(batches: BatchStore) -> None:
    batch_id = begin(batches, 0)
    batches.finalize(batch_id, ANONYMOUS)
    assert batches.get(batch_id, ANONYMOUS).status is BatchStatus.COMPLETED


def test_the_same_page_again_changes_nothing(batches: BatchStore) -> None:
    batch_id = begin(batches, 3)
    assert batches.append(batch_id, ANONYMOUS, items(5), first=0) == 5
    assert batches.append(batch_id, ANONYMOUS, items(5), first=0) == 5
    assert counts(batches, batch_id) == {"total": 5, "queued": 5}


@pytest.mark.parametrize(
    ("first", "drafts", "says"),
    [
        (4, items(1, first=4), "has 3 items"),
        (0, items(1, first=9), "another item at index 0"),
        (3, items(1), "custom_id taken in this batch: n0"),
        (3, items(498, first=3), "500 items at most"),
    ],
)
def test_pages_that_do_not_fit_are_refused(
    batches: BatchStore, first: int, drafts: list[ItemDraft], says: str
) -> None:
    batch_id = begin(batches, 3)
    with pytest.raises(InvalidRequest, match=says):
        batches.append(batch_id, ANONYMOUS, drafts, first=first)


def test_an_item_whose_file_is_missing_is_refused_with_its_chunk(batches: BatchStore) -> None:
    batch_id = begin(batches, 0)
    spec = JOB_SPEC.validate_python(
        {
            "type": "stylize",
            "content": f"file_{'a' * 64}",
            "styles": [{"number": 1}],
            "model": "multistyle-26",
        }
    )
    with pytest.raises(FileNotFound) as refused:
        batches.append(batch_id, ANONYMOUS, [*items(1), ItemDraft("x", spec)], first=0)
    assert [error.pointer for error in refused.value.errors] == ["/items/1"]
    assert counts(batches, batch_id) == {}


def test_a_file_is_kept_while_its_batch_needs_it(
    store: JobStore, batches: BatchStore, files: FileStore, picture_file: str
) -> None:
    spec = {"type": "stylize", "content": picture_file, "styles": [{"number": 1}], "model": "multistyle-26"}
    batch, _ = batches.open(draft())
    batches.append(batch.id, ANONYMOUS, [ItemDraft("x", JOB_SPEC.validate_python(spec))], first=0)
    batches.finalize(batch.id, ANONYMOUS)
    with pytest.raises(FileInUse):
        files.delete(ANONYMOUS, picture_file)
    (job,) = drain(store)
    assert list(job.inputs) == [picture_file]
    fail(store, job)
    files.delete(ANONYMOUS, picture_file)
    with pytest.raises(FileNotFound):
        batches.retry_failed(batch.id, ANONYMOUS)


def test_an_item_is_a_job_that_is_read_and_canceled_but_not_deleted_alone(
    store: JobStore, batches: BatchStore, queries: JobQueries
) -> None:
    batch_id = begin(batches, 2)
    item = batches.items(batch_id, ANONYMOUS).items[0]
    assert store.get(item.id, ANONYMOUS).index == 0
    store.cancel(item.id, ANONYMOUS)
    with pytest.raises(IllegalMove, match="item of a batch"):
        store.delete(item.id, ANONYMOUS)
    assert [job.index for job in drain(store)] == [1]
    assert queries.page(ANONYMOUS).items == ()
    assert not is_job_id(item.id)


def test_a_deleted_batch_takes_its_items_and_their_bytes_along(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 3)
    with pytest.raises(IllegalMove):
        batches.delete(batch_id, ANONYMOUS)
    batches.finalize(batch_id, ANONYMOUS)
    jobs = drain(store)
    for job in jobs:
        finish(store, job)
    batches.delete(batch_id, ANONYMOUS)
    with pytest.raises(JobGone):
        batches.get(batch_id, ANONYMOUS)
    with pytest.raises(JobGone):
        store.get(jobs[0].id, ANONYMOUS)
    left = {key for key in store.client.keys("atelier:*") if batch_id.removeprefix("batch_") in key}
    assert left == {f"atelier:gone:{batch_id}"}
    assert store.client.zcard("atelier:garbage") == 3


def test_a_batch_whose_time_is_over_is_forgotten(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 1)
    batches.finalize(batch_id, ANONYMOUS)
    finish(store, drain(store)[0])
    store.client.zadd("atelier:expiring", {batch_id: 1})
    store.expire()
    batches.clean_up()
    with pytest.raises(JobGone):
        batches.get(batch_id, ANONYMOUS)


def test_a_batch_that_nobody_finalizes_is_canceled(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 1)
    store.client.zadd("atelier:open-batches", {batch_id: 1})
    batches.clean_up()
    assert batches.get(batch_id, ANONYMOUS).status is BatchStatus.CANCELED


def test_a_key_names_one_batch(batches: BatchStore) -> None:
    first, created = batches.open(draft(idempotency_key="k"))
    again, created_again = batches.open(draft(idempotency_key="k"))
    assert (first.id, created, created_again) == (again.id, True, False)
    other = BatchDraft(new_batch_id(), ANONYMOUS, BatchSettings(), "other", idempotency_key="k")
    with pytest.raises(IdempotencyMismatch):
        batches.open(other)


def test_batches_are_listed_newest_first_for_their_owner(batches: BatchStore) -> None:
    ids = [begin(batches, 0) for _ in range(3)]
    begin(batches, 0, owner="else")
    page = batches.page(ANONYMOUS, limit=2)
    assert [batch.id for batch in page.items] == ids[:0:-1]
    assert [batch.id for batch in batches.page(ANONYMOUS, cursor=page.next_cursor).items] == ids[:1]
    with pytest.raises(BatchNotFound):
        batches.get(ids[0], "else")


def test_items_are_filtered_by_status_over_pages(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 30)
    for job in drain(store):
        (fail if (job.index or 0) % 3 == 0 else finish)(store, job)
    page = batches.items(batch_id, ANONYMOUS, status=Status.FAILED, limit=4)
    assert [job.index for job in page.items] == [0, 3, 6, 9]
    rest = batches.items(batch_id, ANONYMOUS, status=Status.FAILED, cursor=page.next_cursor)
    assert [job.index for job in rest.items] == [12, 15, 18, 21, 24, 27]


def test_pages_of_items_end_where_the_items_do(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, CHUNK + 30)
    seen: list[int | None] = []
    page = batches.items(batch_id, ANONYMOUS, limit=90)
    while page.next_cursor is not None:
        seen += [job.index for job in page.items]
        page = batches.items(batch_id, ANONYMOUS, limit=90, cursor=page.next_cursor)
    assert seen + [job.index for job in page.items] == list(range(CHUNK + 30))


def test_items_that_go_while_they_are_read_end_the_page(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 3)
    store.client.delete(*store.client.keys("atelier:job:*"))  # as a deletion does, at just this moment
    assert batches.items(batch_id, ANONYMOUS).items == ()


def test_an_item_costs_little_memory(store: JobStore) -> None:
    batches = BatchStore(store, BatchRules())

    def used() -> float:
        return float(store.client.info("memory")["used_memory"])

    begin(batches, 10)  # what the first batch needs once
    before, count = used(), 3000
    batch_id = begin(batches, count)
    queued = (used() - before) / count
    batches.finalize(batch_id, ANONYMOUS)
    for job in drain(store):
        output = replace(OUTPUT, key=f"outputs/{job.id}/1/0.png")
        timings = dict.fromkeys(("load", "preprocess", "predict", "encode", "store"), 0.012345)
        store.succeed(job.id, job.attempt, outputs=(output,), timings=timings, model=("2", "d" * 64))
    finished = (used() - before) / count
    print(queued, finished)
    assert queued <= 2048
    assert finished <= 1536
