"""Items of batches that take the output of other jobs, and of items of their own batch."""

import pytest

from shared.batches.batch import ItemDraft
from shared.batches.store import BatchStore
from shared.errors import ChainTooLong, FileNotFound
from shared.identifiers import ANONYMOUS
from shared.jobs.queries import JobQueries
from shared.jobs.reasons import Reason, hold_of
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.setting_groups import BatchRules
from shared.workers import Capacity
from tests.support.jobs.batch_steps import begin, counts, draft, drain, fail, items
from tests.support.jobs.chain_steps import make, output_of, painting
from tests.support.jobs.job_steps import claim, status, submit


@pytest.fixture
def batches(store: JobStore) -> BatchStore:
    return BatchStore(store, BatchRules())


def add(batches: BatchStore, batch_id: str, *parents: str, cache: bool = False) -> list[str]:
    """Add items that take outputs of jobs; return the ids of their jobs."""
    first = batches.get(batch_id, ANONYMOUS).counts["total"]
    drafts = [
        ItemDraft(f"c{first + i}", painting(output_of(parent), lane="bulk", cache=cache))
        for i, parent in enumerate(parents)
    ]
    batches.append(batch_id, ANONYMOUS, drafts, first=first)
    return [f"job_{batch_id[6:]}-{first + i}" for i in range(len(parents))]


def test_an_item_waits_alone_and_starts_when_its_parent_is_done(
    store: JobStore, batches: BatchStore, queries: JobQueries
) -> None:
    parent, batch_id = submit(store), batches.open(draft())[0].id
    (child,) = add(batches, batch_id, parent)
    batches.append(batch_id, ANONYMOUS, items(2), first=1)
    running = claim(store, parent)
    assert [job.index for job in drain(store)] == [1, 2]
    hold = hold_of(queries.waiting_batch(batch_id, Capacity(1)).hold, ())
    assert hold is not None
    assert (hold.reason, hold.detail) == (Reason.WAITS_FOR, parent)
    assert queries.waiting_batch(batch_id, Capacity(1)).eta_seconds is None
    make(store, None, running)
    assert [job.id for job in drain(store)] == [child]


def test_items_of_a_job_that_is_done_go_by_the_line_of_their_batch(
    store: JobStore, batches: BatchStore
) -> None:
    parent = submit(store)
    make(store, None, claim(store, parent))
    batch_id = batches.open(draft())[0].id
    children = add(batches, batch_id, *[parent] * 5)
    assert store.client.zcard(f"atelier:line:bulk:{ANONYMOUS}") == 1
    assert [job.id for job in drain(store)] == children
    assert store.client.hget("atelier:sharers", parent) == "5"


def test_an_item_takes_what_an_earlier_one_of_its_batch_makes(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 1)
    first = f"job_{batch_id[6:]}-0"
    (child,) = add(batches, batch_id, first)
    batches.finalize(batch_id, ANONYMOUS)
    (running,) = drain(store)
    made = make(store, None, running)
    (started,) = drain(store)
    assert (started.id, dict(started.inputs)) == (child, {output_of(first): made.key})
    make(store, None, started)
    assert counts(batches, batch_id) == {"total": 2, "succeeded": 2}


def test_a_failed_item_fails_those_behind_it_and_a_retry_takes_all(
    store: JobStore, batches: BatchStore
) -> None:
    batch_id = begin(batches, 1)
    (child,) = add(batches, batch_id, f"job_{batch_id[6:]}-0")
    (grandchild,) = add(batches, batch_id, child)
    batches.finalize(batch_id, ANONYMOUS)
    fail(store, drain(store)[0])
    assert counts(batches, batch_id) == {"total": 3, "failed": 3}
    assert batches.retry_failed(batch_id, ANONYMOUS) == 3
    for tried in ("0-1", "1-1", "2-1"):
        (running,) = drain(store)
        assert running.id.endswith(f"-{tried}")
        make(store, None, running)
    assert counts(batches, batch_id) == {"total": 3, "succeeded": 3}
    assert status(store, grandchild) is Status.FAILED


def test_a_canceled_batch_has_canceled_items_alone(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 1)
    add(batches, batch_id, *[f"job_{batch_id[6:]}-0"] * 3)
    batches.cancel(batch_id, ANONYMOUS)
    assert counts(batches, batch_id) == {"total": 4, "canceled": 4}


def test_a_paused_batch_starts_no_child_that_is_ready(store: JobStore, batches: BatchStore) -> None:
    parent, batch_id = submit(store), batches.open(draft())[0].id
    (child,) = add(batches, batch_id, parent)
    batches.pause(batch_id, ANONYMOUS)
    make(store, None, claim(store, parent))
    assert drain(store) == []
    batches.resume(batch_id, ANONYMOUS)
    assert [job.id for job in drain(store)] == [child]


def test_a_deleted_batch_leaves_nothing_of_its_items(store: JobStore, batches: BatchStore) -> None:
    parent, batch_id = submit(store), batches.open(draft())[0].id
    add(batches, batch_id, parent)
    batches.cancel(batch_id, ANONYMOUS)
    batches.delete(batch_id, ANONYMOUS)
    store.cancel(parent, ANONYMOUS)
    kept = {key.split(":")[1] for key in store.client.keys("atelier:*")}
    assert not kept & {"awaiting", "awaited", "batch-waiting", "sharers"}


def test_equal_items_of_equal_bytes_are_computed_once(store: JobStore, batches: BatchStore) -> None:
    parent, batch_id = submit(store), batches.open(draft())[0].id
    add(batches, batch_id, parent, parent, cache=True)
    batches.finalize(batch_id, ANONYMOUS)
    make(store, None, claim(store, parent))
    store.settle()
    (running,) = drain(store)
    make(store, None, running)
    assert counts(batches, batch_id) == {"total": 2, "succeeded": 2}


def test_what_is_not_there_or_waited_for_by_too_many_refuses_the_page(
    store: JobStore, batches: BatchStore
) -> None:
    batch_id = batches.open(draft())[0].id
    with pytest.raises(FileNotFound, match="there is no job nobody") as caught:
        add(batches, batch_id, "nobody")
    assert [(e.pointer, e.code) for e in caught.value.errors] == [("/items/0", "job_not_found")]
    parent = submit(store)
    store.client.sadd(f"atelier:awaiting:{parent}", *map(str, range(10_000)))
    with pytest.raises(ChainTooLong):
        add(batches, batch_id, parent)
    assert batches.get(batch_id, ANONYMOUS).counts["total"] == 0
