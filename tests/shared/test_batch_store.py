from dataclasses import replace

import pytest

from shared.batch_request import BatchSettings
from shared.batch_store import CHUNK, BatchStore
from shared.batches import BatchDraft, BatchStatus, ItemDraft
from shared.errors import (
    AtelierError,
    BatchNotFound,
    FileInUse,
    FileNotFound,
    IdempotencyMismatch,
    IllegalMove,
    InvalidRequest,
    JobGone,
)
from shared.file_store import FileStore
from shared.identifiers import ANONYMOUS, is_job_id, new_batch_id
from shared.image_probe import ImageLimits, probe
from shared.job_queries import JobQueries
from shared.job_store import JobStore
from shared.jobs import Job
from shared.settings import BatchRules
from shared.specs import JOB_SPEC
from shared.status import Status
from tests.shared.test_job_store import OUTPUT, lapse, submit
from tests.support import pictures
from tests.support.waiting import eventually

DIGIT = {"type": "generate", "model": "mnist-dcgan", "lane": "bulk", "truncation": 1.0}


@pytest.fixture
def batches(store: JobStore) -> BatchStore:
    return BatchStore(store, BatchRules(max_items=500))


@pytest.fixture
def picture_file(files: FileStore) -> str:
    picture = pictures.png(32, 24)
    return files.add(ANONYMOUS, picture, probe(picture, ImageLimits()))[0].id


def draft(owner: str = ANONYMOUS, **more: object) -> BatchDraft:
    return BatchDraft(new_batch_id(), owner, BatchSettings(), "print", **more)  # type: ignore[arg-type]


def items(count: int, first: int = 0, **spec: object) -> list[ItemDraft]:
    return [
        ItemDraft(f"n{n}", JOB_SPEC.validate_python({**DIGIT, "seeds": [n], **spec}))
        for n in range(first, first + count)
    ]


def begin(batches: BatchStore, count: int, owner: str = ANONYMOUS) -> str:
    batch, _ = batches.open(draft(owner))
    batches.append(batch.id, owner, items(count), first=0)
    return batch.id


def finish(store: JobStore, job: Job) -> None:
    store.succeed(job.id, job.attempt, outputs=(OUTPUT,), timings={}, model=("1", "d"))


def fail(store: JobStore, job: Job) -> None:
    store.fail(job.id, job.attempt, AtelierError("no"))


def drain(store: JobStore) -> list[Job]:
    jobs: list[Job] = []
    while claimed := store.claim_next("w", most=16):
        jobs += claimed
    return jobs


def counts(batches: BatchStore, batch_id: str) -> dict[str, int]:
    return {name: n for name, n in batches.get(batch_id, ANONYMOUS).counts.items() if n}


def test_items_are_carried_out_in_order_and_the_batch_completes_with_the_last(
    store: JobStore, batches: BatchStore
) -> None:
    batch_id = begin(batches, 40)
    batches.finalize(batch_id, ANONYMOUS)
    jobs = drain(store)
    assert [job.index for job in jobs] == list(range(40))
    assert [(job.custom_id, job.batch_id) for job in jobs[:2]] == [("n0", batch_id), ("n1", batch_id)]
    assert counts(batches, batch_id) == {"total": 40, "running": 40}
    for job in jobs:
        finish(store, job)
    batch = batches.get(batch_id, ANONYMOUS)
    assert (batch.status, batch.is_done, batch.counts["succeeded"]) == (BatchStatus.COMPLETED, True, 40)
    assert batch.expires_at is not None


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


def test_a_failed_item_fails_no_batch_and_may_be_tried_again(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 3)
    batches.finalize(batch_id, ANONYMOUS)
    first, *others = drain(store)
    fail(store, first)
    for job in others:
        finish(store, job)
    assert batches.get(batch_id, ANONYMOUS).status is BatchStatus.COMPLETED
    assert batches.retry_failed(batch_id, ANONYMOUS) == 1
    assert batches.get(batch_id, ANONYMOUS).status is BatchStatus.RUNNING
    (again,) = drain(store)
    assert (again.index, again.custom_id, again.retried_from) == (0, "n0", first.id)
    finish(store, again)
    assert counts(batches, batch_id) == {"total": 3, "succeeded": 3}
    assert store.get(first.id, ANONYMOUS).status is Status.FAILED
    page = batches.items(batch_id, ANONYMOUS)
    assert [job.id for job in page.items] == [again.id, *(job.id for job in others)]
    assert batches.retry_failed(batch_id, ANONYMOUS) == 0


def test_a_paused_batch_starts_nothing_and_goes_on_where_it_was(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 4)
    (first,) = store.claim_next("w")
    batches.pause(batch_id, ANONYMOUS)
    store.release(first.id, first.attempt)  # an item that comes back into line must wait as well
    assert drain(store) == []
    assert batches.get(batch_id, ANONYMOUS).status is BatchStatus.PAUSED
    batches.resume(batch_id, ANONYMOUS)
    assert sorted(job.index or 0 for job in drain(store)) == [0, 1, 2, 3]


def test_a_canceled_item_of_a_paused_batch_stays_ended(store: JobStore, batches: BatchStore) -> None:
    begin(batches, 2)
    first, second = store.claim_next("w", most=2)
    batch_id = first.batch_id or ""
    batches.pause(batch_id, ANONYMOUS)
    for job in (first, second):
        store.release(job.id, job.attempt)
    assert drain(store) == []
    store.cancel(first.id, ANONYMOUS)
    batches.resume(batch_id, ANONYMOUS)
    assert [job.index for job in drain(store)] == [1]
    assert counts(batches, batch_id) == {"total": 2, "running": 1, "canceled": 1}


def test_more_items_than_a_chunk_go_on_after_a_pause(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, CHUNK + 10)
    jobs = drain(store)
    batches.pause(batch_id, ANONYMOUS)
    for job in jobs:
        store.release(job.id, job.attempt)
    assert drain(store) == []
    batches.resume(batch_id, ANONYMOUS)
    assert len(drain(store)) == CHUNK + 10


def test_many_canceled_items_in_a_row_hold_up_nobody(store: JobStore) -> None:
    batches = BatchStore(store, BatchRules())
    batch_id = begin(batches, 1300)
    for item in batches.items(batch_id, ANONYMOUS, limit=1250).items:
        store.cancel(item.id, ANONYMOUS)
    assert store.claim_next("w")[0].index == 1250
    assert len(drain(store)) == 49


def test_an_item_that_must_wait_is_passed_over_and_claimed_in_time(
    store: JobStore, batches: BatchStore
) -> None:
    begin(batches, 3)
    (first,) = store.claim_next("w")
    store.release(first.id, first.attempt, pause_seconds=0.05)
    assert [job.index for job in drain(store)] == [1, 2]
    eventually(lambda: not store.reap() or [job.index for job in drain(store)] == [0])


def test_an_item_that_comes_back_goes_before_the_rest(store: JobStore, batches: BatchStore) -> None:
    begin(batches, 4)
    first, second = store.claim_next("w", most=2)
    store.release(second.id, second.attempt)
    assert [job.index for job in store.claim_next("w")] == [1]
    assert first.index == 0


def test_a_canceled_batch_ends_all_that_had_not_ended(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, CHUNK + 20)
    one, two = store.claim_next("w", most=2)
    finish(store, one)
    batches.cancel(batch_id, ANONYMOUS)
    assert counts(batches, batch_id) == {"total": CHUNK + 20, "succeeded": 1, "canceled": CHUNK + 19}
    assert store.beat([(two.id, two.attempt)]) == ["canceled"]
    assert batches.get(batch_id, ANONYMOUS).is_done
    assert drain(store) == []
    batches.cancel(batch_id, ANONYMOUS)
    with pytest.raises(IllegalMove):
        batches.resume(batch_id, ANONYMOUS)


def test_a_cancellation_that_was_cut_off_is_taken_up(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 5)
    store.scripts.run("batch_move", batch_id, ANONYMOUS, "cancel")
    batches.keep_house()
    assert counts(batches, batch_id) == {"total": 5, "canceled": 5}
    assert batches.get(batch_id, ANONYMOUS).is_done


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


def test_owners_take_turns_and_one_job_goes_before_a_long_batch(store: JobStore, batches: BatchStore) -> None:
    begin(batches, 50, owner="a")
    begin(batches, 50, owner="b")
    owners = [store.claim_next("w")[0].owner for _ in range(6)]
    assert owners in (["a", "b"] * 3, ["b", "a"] * 3)
    single = submit(store)
    assert store.claim_next("w")[0].id == single


def test_bulk_has_its_turn_after_its_patience(redis_client, rules, batches: BatchStore) -> None:  # type: ignore[no-untyped-def]
    patient = JobStore(redis_client, rules.model_copy(update={"bulk_patience_seconds": 0.05}))
    begin(batches, 5)
    interactive = [submit(patient) for _ in range(40)]
    lanes = [str(patient.claim_next("w")[0].lane)]
    redis_client.set("atelier:starving:bulk", 1)
    lanes += [str(patient.claim_next("w")[0].lane) for _ in range(2)]
    assert lanes[:2] == ["interactive", "bulk"]
    assert len(interactive) == 40


def test_an_item_taken_back_from_a_dead_worker_is_claimed_again(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 2)
    (first,) = store.claim_next("w")
    lapse(store, first.id)
    store.reap()
    assert counts(batches, batch_id) == {"total": 2, "queued": 2}
    again = {job.index: job for job in drain(store)}
    assert (again[0].attempt, again[0].crashes, again[1].attempt) == (2, 1, 1)


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
    assert queries.page(ANONYMOUS).jobs == ()
    assert not is_job_id(item.id)


def test_finished_items_come_in_the_order_in_which_they_ended(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 3)
    jobs = drain(store)
    for job in reversed(jobs):
        finish(store, job)
    page = batches.finished(batch_id, ANONYMOUS, limit=2)
    assert ([job.index for job in page.items], page.next) == ([2, 1], 2)
    page = batches.finished(batch_id, ANONYMOUS, after=page.next)
    assert ([job.index for job in page.items], page.next) == ([0], 3)


def test_events_tell_of_items_that_ended_and_of_the_batch(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 1)
    batches.finalize(batch_id, ANONYMOUS)
    (job,) = drain(store)
    finish(store, job)
    told = [(event.kind, event.data.get("status")) for event in batches.events(batch_id)]
    assert told == [("state", "open"), ("state", "running"), ("item", "succeeded"), ("state", "completed")]


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
    batches.keep_house()
    with pytest.raises(JobGone):
        batches.get(batch_id, ANONYMOUS)


def test_a_batch_that_nobody_finalizes_is_canceled(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 1)
    store.client.zadd("atelier:open-batches", {batch_id: 1})
    batches.keep_house()
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
    assert [batch.id for batch in page.batches] == ids[:0:-1]
    assert [batch.id for batch in batches.page(ANONYMOUS, cursor=page.next_cursor).batches] == ids[:1]
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
