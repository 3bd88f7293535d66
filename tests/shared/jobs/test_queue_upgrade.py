"""Places among what an older Atelier accepted, which noted none of what waits."""

from shared.batches.store import BatchStore
from shared.identifiers import ANONYMOUS
from shared.jobs.queries import JobQueries
from shared.jobs.store import JobStore
from shared.specs.parts import Lane
from shared.workers import Capacity
from tests.support.jobs.batch_steps import begin, drain, finish
from tests.support.jobs.job_steps import submission, submit


def forget_what_waits(store: JobStore, *singles: str) -> None:
    """Leave the keys as the older version did: single jobs in their lane's list, no count of items."""
    client = store.client
    for pattern in ("atelier:waits:*", "atelier:works:*"):
        for key in client.keys(pattern):
            client.delete(key)
    for key in client.keys("atelier:batch:*"):
        client.hdel(key, "counted")
    for job_id in singles:
        client.zadd("atelier:lane:bulk", {job_id: client.hget(f"atelier:job:{job_id}", "sequence")})


def bulk(store: JobStore) -> str:
    return submit(store, spec=submission().spec.model_copy(update={"lane": Lane.BULK}))


def place(store: JobStore, queries: JobQueries, job_id: str) -> int | None:
    waiting = queries.waiting(store.get(job_id, ANONYMOUS), Capacity(1))
    return waiting.position if waiting else None


def test_old_jobs_and_items_have_their_places_after_a_pass_of_the_reaper(
    store: JobStore, queries: JobQueries, batches: BatchStore
) -> None:
    first, batch_id, last = bulk(store), begin(batches, 40), bulk(store)
    claimed = store.claim_next("w") + store.claim_next("w")  # the first job and an item
    store.release(claimed[1].id, claimed[1].attempt)
    forget_what_waits(store, last)
    store.reap()
    assert claimed[0].id == first
    assert queries.depths() == {Lane.INTERACTIVE: 0, Lane.BULK: 41}
    assert place(store, queries, last) == 41
    items = batches.items(batch_id, ANONYMOUS).items
    assert [place(store, queries, item.id) for item in items] == list(range(1, 41))
    assert len(drain(store)) == 41


def test_what_an_older_worker_claimed_is_not_counted_for_long(
    store: JobStore, queries: JobQueries, batches: BatchStore
) -> None:
    batch_id = begin(batches, 3)
    waits = {
        key: dict(store.client.zrange(key, 0, -1, withscores=True)) for key in store.client.keys("*waits:*")
    }
    (job,) = store.claim_next("w")
    finish(store, job)
    for key, entries in waits.items():  # an older worker's claim leaves them as they were
        store.client.zadd(key, entries)
    last = bulk(store)
    assert place(store, queries, last) == 4
    store.reap()
    assert place(store, queries, last) == 3
    batches.cancel(batch_id, ANONYMOUS)
    assert place(store, queries, last) == 1


def test_a_large_batch_of_an_older_version_is_counted_as_it_comes_to_the_front(
    store: JobStore, queries: JobQueries, batches: BatchStore
) -> None:
    begin(batches, 100)
    last = bulk(store)
    forget_what_waits(store, last)
    for _ in range(2):
        store.reap()
    assert place(store, queries, last) == 101


def test_records_of_an_older_version_come_before_the_new_ones_of_each_owner(store: JobStore) -> None:
    """It counted the records of all owners together."""
    store.client.set("atelier:sequence", 40)
    numbers = [store.get(submit(store), ANONYMOUS).sequence for _ in range(2)]
    assert numbers == [41, 42]
