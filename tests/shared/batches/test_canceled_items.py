"""A batch of which every item is canceled, in whatever way, is canceled; its items may be tried again."""

from collections.abc import Callable

import pytest

from shared.actions.action import ActionDraft, Deed
from shared.actions.runner import ActionRunner
from shared.actions.store import ActionStore
from shared.batches.batch import BatchStatus
from shared.batches.store import BatchStore
from shared.errors import IllegalMove
from shared.identifiers import ANONYMOUS, new_action_id
from shared.jobs.listing import ALL
from shared.jobs.queries import JobQueries
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.redis.memory_guard import MemoryGuard
from shared.setting_groups import BatchRules
from tests.support.jobs.batch_steps import begin, counts, drain, fail, finish


@pytest.fixture
def batches(store: JobStore) -> BatchStore:
    return BatchStore(store, BatchRules())


def ids_of(store: JobStore) -> list[str]:
    page = JobQueries(store).page(ANONYMOUS, ALL, limit=200, items=True)
    return [job.id for job in page.items]


def act(store: JobStore, deed: Deed) -> dict[str, int]:
    """Carry out a bulk action with all items; return what it counted."""
    actions = ActionStore(store)
    name = new_action_id()
    actions.begin(ActionDraft(name, ANONYMOUS, ANONYMOUS, deed, ALL, items=True, asked={}, fingerprint="f"))
    ActionRunner(store, MemoryGuard(store.client)).go_on()
    done = actions.get(name, ANONYMOUS)
    return {"done": done.done, **done.skipped, **done.failed}


def cancel_by_action(store: JobStore) -> None:
    act(store, Deed.CANCEL)


def cancel_each(store: JobStore) -> None:
    for job_id in ids_of(store):
        store.cancel(job_id, ANONYMOUS)


def cancel_running(store: JobStore) -> None:
    drain(store)
    cancel_each(store)


WAYS = (cancel_by_action, cancel_each, cancel_running)


def status(batches: BatchStore, batch_id: str) -> BatchStatus:
    return batches.get(batch_id, ANONYMOUS).status


@pytest.mark.parametrize("cancel", WAYS)
@pytest.mark.parametrize("finalized_first", [True, False])
def test_a_batch_whose_items_were_all_canceled_is_canceled(
    store: JobStore, batches: BatchStore, cancel: Callable[[JobStore], None], finalized_first: bool
) -> None:
    batch_id = begin(batches, 3)
    if finalized_first:
        batches.finalize(batch_id, ANONYMOUS)
    cancel(store)
    batches.finalize(batch_id, ANONYMOUS)  # may come twice
    batch = batches.get(batch_id, ANONYMOUS)
    assert (batch.status, batch.is_done) == (BatchStatus.CANCELED, True)
    assert counts(batches, batch_id) == {"total": 3, "canceled": 3}
    batches.cancel(batch_id, ANONYMOUS)  # is so already


@pytest.mark.parametrize(
    ("end", "expected"), [(finish, BatchStatus.COMPLETED), (fail, BatchStatus.FAILED)], ids=["done", "failed"]
)
def test_where_one_item_succeeded_or_failed_that_counts(
    store: JobStore, batches: BatchStore, end: Callable[..., None], expected: BatchStatus
) -> None:
    batch_id = begin(batches, 3)
    batches.finalize(batch_id, ANONYMOUS)
    end(store, store.claim_next("w")[0])
    cancel_by_action(store)
    assert status(batches, batch_id) is expected


def test_items_that_were_canceled_one_by_one_are_tried_again(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 3)
    batches.finalize(batch_id, ANONYMOUS)
    cancel_by_action(store)
    assert batches.retry_failed(batch_id, ANONYMOUS) == 0
    first = ids_of(store)[0]
    batches.retry_item(store.get(first, ANONYMOUS))
    assert status(batches, batch_id) is BatchStatus.RUNNING
    store.cancel(batches.retry_item(store.get(first, ANONYMOUS)).id, ANONYMOUS)
    assert status(batches, batch_id) is BatchStatus.CANCELED
    assert act(store, Deed.RETRY)["done"] == 3
    for job in drain(store):
        finish(store, job)
    assert status(batches, batch_id) is BatchStatus.COMPLETED


def test_items_of_a_batch_that_was_canceled_as_a_whole_stay_as_they_are(
    store: JobStore, batches: BatchStore
) -> None:
    batch_id = begin(batches, 3)
    batches.finalize(batch_id, ANONYMOUS)
    batches.cancel(batch_id, ANONYMOUS)
    item = store.get(ids_of(store)[0], ANONYMOUS)
    assert (item.status, status(batches, batch_id)) == (Status.CANCELED, BatchStatus.CANCELED)
    with pytest.raises(IllegalMove, match="is canceled"):
        batches.retry_item(item)
    assert act(store, Deed.RETRY) == {"done": 0, "batch_canceled": 3}
