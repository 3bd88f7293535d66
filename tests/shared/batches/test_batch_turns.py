"""Which item runs when: in order, after a pause, beside others, and again."""

import pytest

from shared.batches.batch import BatchStatus
from shared.batches.store import CHUNK, BatchStore
from shared.errors import IllegalMove
from shared.identifiers import ANONYMOUS
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.setting_groups import BatchRules
from tests.support.jobs.batch_steps import begin, counts, drain, fail, finish
from tests.support.jobs.job_steps import lapse, submit
from tests.support.waiting import eventually


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
    store.scripts.run("batches/move", batch_id, ANONYMOUS, "cancel")
    batches.clean_up()
    assert counts(batches, batch_id) == {"total": 5, "canceled": 5}
    assert batches.get(batch_id, ANONYMOUS).is_done


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
