"""Jobs that take the output of another job: they wait for it, start when it is there, and fail with it."""

from collections.abc import Callable

import pytest

from shared.errors import AtelierError, ChainTooLong, IllegalMove, JobNotFound, ParentFailed
from shared.identifiers import ANONYMOUS
from shared.jobs.moving import Move
from shared.jobs.queries import JobQueries
from shared.jobs.reasons import Reason, hold_of
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.maintenance.garbage import Garbage, plan
from shared.specs.parts import Lane
from shared.storage.base import ObjectStore
from shared.workers import Capacity
from tests.support.jobs.chain_steps import make, output_of, paint, painting
from tests.support.jobs.job_steps import claim, lapse, pass_deadline, status, submission, submit, urgent


def test_a_child_waits_and_starts_when_its_parent_has_succeeded(store: JobStore) -> None:
    parent = submit(store)
    child = paint(store, parent)
    assert store.claim(child, "w1") is None
    running = claim(store, parent)
    assert store.claim_next("w1") == []
    made = make(store, None, running)
    (started,) = store.claim_next("w1")
    assert (started.id, dict(started.inputs)) == (child, {output_of(parent): made.key})


def test_a_child_of_a_job_that_is_done_starts_at_once(store: JobStore) -> None:
    parent = submit(store)
    made = make(store, None, claim(store, parent))
    child = paint(store, parent)
    assert dict(claim(store, child).inputs) == {output_of(parent): made.key}


def test_a_child_of_two_waits_for_both(store: JobStore) -> None:
    first, second = submit(store), submit(store)
    child = submit(store, spec=painting(output_of(first), mask=output_of(second)))
    for parent in (second, first):
        assert store.claim(child, "w1") is None
        make(store, None, claim(store, parent))
    assert set(claim(store, child).inputs) == {output_of(first), output_of(second)}


def fail(store: JobStore, job_id: str) -> None:
    store.fail(job_id, claim(store, job_id).attempt, AtelierError("no"))


def cancel(store: JobStore, job_id: str) -> None:
    store.cancel(job_id, ANONYMOUS)


def expire(store: JobStore, job_id: str) -> None:
    pass_deadline(store, job_id)
    store.reap()


def lose(store: JobStore, job_id: str) -> None:
    for _ in range(store.rules.crash_budget):
        if store.claim(job_id, "w9") is None:
            store.restart(job_id, ANONYMOUS)
            claim(store, job_id)
        lapse(store, job_id)
        store.reap()


@pytest.mark.parametrize(
    ("end", "word"),
    [(fail, "failed"), (cancel, "was canceled"), (expire, "expired"), (lose, "failed")],
)
def test_a_parent_without_a_picture_fails_all_that_come_after_it(
    store: JobStore, end: Callable[[JobStore, str], None], word: str
) -> None:
    parent = submit(store, spec=urgent())
    child = paint(store, parent)
    grandchild = paint(store, child)
    end(store, parent)
    for job_id, of, how in ((child, parent, word), (grandchild, child, "failed")):
        error = store.get(job_id, ANONYMOUS).error
        assert error == ParentFailed(f"the job {of}, whose output it takes, {how}").to_json()
    assert store.claim_next("w1") == []


def test_a_parent_and_its_child_whose_deadlines_pass_together_end_once_each(
    store: JobStore, queries: JobQueries
) -> None:
    parent = submit(store, spec=urgent())
    child = paint(store, parent, deadline_seconds=60)
    for job_id in (parent, child):
        pass_deadline(store, job_id)
    assert store.reap().expired == (parent,)
    ends = [[event.data["status"] for event in queries.events(job_id)][1:] for job_id in (parent, child)]
    assert ends == [["expired"], ["failed"]]


def test_a_parent_that_makes_fewer_pictures_fails_its_child(store: JobStore) -> None:
    parent = submit(store)
    child = submit(store, spec=painting(output_of(parent, 3)))
    make(store, None, claim(store, parent))
    error = store.get(child, ANONYMOUS).error
    assert error is not None
    assert error["detail"].endswith("made fewer pictures")


def test_very_many_children_go_on_by_and_by(store: JobStore) -> None:
    parent = submit(store)
    children = {paint(store, parent) for _ in range(120)}
    make(store, None, claim(store, parent))
    ready = store.client.zcard(f"atelier:line:interactive:{ANONYMOUS}")
    assert 0 < ready < 120, "one script lets some of them go on"
    store.settle()
    assert {job.id for job in _claim_all(store)} == children


def test_many_generations_fail_by_and_by(store: JobStore) -> None:
    parent = submit(store)
    children = [paint(store, parent) for _ in range(60)]
    grandchildren = [paint(store, child) for child in children]
    store.cancel(parent, ANONYMOUS)
    store.settle()
    assert {status(store, job_id) for job_id in children + grandchildren} == {Status.FAILED}


def test_a_child_goes_on_whose_parent_an_older_version_ended(store: JobStore) -> None:
    ended, deleted = submit(store), submit(store)
    children = [paint(store, ended), paint(store, deleted)]
    running = claim(store, ended)
    store.client.hdel(f"atelier:job:{ended}", "children")  # as where an older version ends it
    make(store, None, running)
    store.client.delete(f"atelier:job:{deleted}")
    store.settle()
    assert [status(store, child) for child in children] == [Status.QUEUED] * 2, "nobody has looked yet"
    for parent in (ended, deleted):
        assert store.client.zadd("atelier:awaited", {parent: 1}, xx=True) == 0
    store.settle()
    assert claim(store, children[0]).id == children[0]
    error = store.get(children[1], ANONYMOUS).error
    assert error is not None
    assert error["detail"].endswith("is gone")
    assert store.client.zcard("atelier:awaited") == 0


def test_a_look_at_a_parent_that_is_not_done_changes_nothing_but_the_next_look(store: JobStore) -> None:
    parent = submit(store)
    child = paint(store, parent)
    store.client.zadd("atelier:awaited", {parent: 1}, xx=True)
    store.settle()
    assert status(store, child) is Status.QUEUED
    assert (store.client.zscore("atelier:awaited", parent) or 0) > 1


def test_what_a_child_reads_stays_until_it_has_ended(store: JobStore, objects: ObjectStore) -> None:
    parent = submit(store)
    make(store, objects, claim(store, parent))
    child = paint(store, parent)
    running = claim(store, child)
    (key,) = running.inputs.values()
    store.delete(parent, ANONYMOUS)
    garbage = Garbage(store.client, objects)
    garbage.sweep()
    assert list(plan(store.client, objects, grace_seconds=-1)) == []
    assert objects.get(key) == b"picture"
    store.fail(child, running.attempt, AtelierError("no"))
    garbage.sweep()
    assert list(objects.keys("outputs/")) == []
    assert int(store.client.hget(f"atelier:holdings:{ANONYMOUS}", "stored_bytes") or 0) == 0


def test_what_a_child_has_taken_stays_while_it_waits_for_another(
    store: JobStore, objects: ObjectStore
) -> None:
    first, second = submit(store), submit(store)
    child = submit(store, spec=painting(output_of(first), mask=output_of(second)))
    made = make(store, objects, claim(store, first))
    store.delete(first, ANONYMOUS)
    Garbage(store.client, objects).sweep()
    make(store, objects, claim(store, second))
    assert objects.get(claim(store, child).inputs[output_of(first)]) == b"picture"
    store.cancel(child, ANONYMOUS)
    Garbage(store.client, objects).sweep()
    assert made.key not in list(objects.keys("outputs/"))


def test_a_result_that_is_read_is_not_removed_to_make_room(store: JobStore, objects: ObjectStore) -> None:
    parent = submit(store)
    make(store, objects, claim(store, parent))
    child = paint(store, parent)
    reclaim = ("0", "old", 0, 10**9, -1, 10, 60_000)
    assert store.scripts.run("room/reclaim", *reclaim)[5:] == []
    store.cancel(child, ANONYMOUS)
    assert store.scripts.run("room/reclaim", *reclaim)[5:] == [parent]


def test_only_an_owners_own_jobs_can_be_named(store: JobStore) -> None:
    foreign = submit(store, owner="other")
    for named in (foreign, "job_that_never_was"):
        with pytest.raises(JobNotFound, match=f"there is no job {named}") as caught:
            paint(store, named)
        assert [(e.pointer, e.code) for e in caught.value.errors] == [("/content", "job_not_found")]


def test_a_job_cannot_name_itself_or_one_that_comes_later(store: JobStore) -> None:
    with pytest.raises(JobNotFound):
        paint(store, "mine", id="mine")
    with pytest.raises(JobNotFound):
        paint(store, "later", id="mine")
    assert store.client.exists("atelier:job:mine") == 0


def test_a_row_of_waiting_jobs_has_an_end(store: JobStore) -> None:
    last = submit(store)
    for _ in range(16):
        last = paint(store, last)
    with pytest.raises(ChainTooLong):
        paint(store, last)
    children = store.client.hget(f"atelier:job:{last}", "depth")
    assert children == "16"


def test_a_job_has_no_more_waiting_children_than_it_may(store: JobStore) -> None:
    parent = submit(store)
    store.client.sadd(f"atelier:awaiting:{parent}", *map(str, range(10_000)))
    with pytest.raises(ChainTooLong):
        paint(store, parent)


def test_a_name_stands_for_the_retry_of_a_job_that_failed(store: JobStore) -> None:
    parent = submit(store)
    fail(store, parent)
    again = submit(store, retried_from=parent)
    child = paint(store, parent)
    assert store.get(child, ANONYMOUS).parents == {output_of(parent): again}
    made = make(store, None, claim(store, again))
    assert dict(claim(store, child).inputs) == {output_of(parent): made.key}


def test_a_child_tells_what_it_waits_for(store: JobStore, queries: JobQueries) -> None:
    parent = submit(store)
    child = paint(store, parent)
    waiting = queries.waiting(store.get(child, ANONYMOUS), Capacity(1))
    assert waiting is not None
    assert waiting.position is None
    hold = hold_of(waiting.hold, ())
    assert hold is not None
    assert (hold.reason, hold.detail) == (Reason.WAITS_FOR, parent)


def test_the_time_of_a_child_is_its_parents_and_its_own(store: JobStore, queries: JobQueries) -> None:
    store.client.hset(
        "atelier:pace", mapping={"mnist-dcgan:": "2000 2000 9", "multistyle-26:": "3000 3000 9"}
    )
    parent = submit(store)
    child = paint(store, parent)
    grandchild = paint(store, child)
    found = [
        queries.waiting(store.get(job_id, ANONYMOUS), Capacity(1)) for job_id in (parent, child, grandchild)
    ]
    assert [time and time.eta_seconds for time in found] == [2, 5, 8]
    assert [time and time.position for time in found] == [1, None, None]


def test_a_waiting_child_can_be_moved_but_not_started(store: JobStore) -> None:
    parent = submit(store)
    child = paint(store, parent)
    with pytest.raises(IllegalMove, match=f"waiting for {parent}"):
        store.restart(child, ANONYMOUS)
    store.move(child, ANONYMOUS, Move("front", Lane.BULK))
    assert store.client.exists(f"atelier:line:bulk:{ANONYMOUS}") == 0, "it stands in no line"
    make(store, None, claim(store, parent))
    assert claim(store, child).lane is Lane.BULK


def test_a_child_that_ends_leaves_nothing_behind(store: JobStore) -> None:
    parent = submit(store)
    child = paint(store, parent)
    store.cancel(child, ANONYMOUS)
    make(store, None, claim(store, parent))
    assert status(store, child) is Status.CANCELED
    assert store.client.exists(f"atelier:awaiting:{parent}", "atelier:awaited", "atelier:sharers") == 0


def test_a_child_that_is_equal_to_another_takes_over_its_result(store: JobStore) -> None:
    parents = [submit(store), submit(store)]
    children = [paint(store, parent, cache=True) for parent in parents]
    for parent in parents:
        make(store, None, claim(store, parent))
    store.settle()
    (running,) = _claim_all(store)
    make(store, None, running)
    jobs = [store.get(child, ANONYMOUS) for child in children]
    assert {job.status for job in jobs} == {Status.SUCCEEDED}
    assert [job.cached_from for job in jobs].count(running.id) == 1


def test_children_of_other_bytes_are_not_equal(store: JobStore) -> None:
    parents = [submit(store), submit(store)]
    children = {paint(store, parent, cache=True) for parent in parents}
    for parent in parents:
        make(store, None, claim(store, parent), parent.encode())
    store.settle()
    assert {job.id for job in _claim_all(store)} == children


def test_the_children_of_a_job_that_takes_over_a_result_go_on(store: JobStore) -> None:
    spec = submission().spec.model_copy(update={"cache": True})
    leader, follower = submit(store, spec=spec), submit(store, spec=spec)
    child = paint(store, follower)
    made = make(store, None, claim(store, leader))
    assert dict(claim(store, child).inputs) == {output_of(follower): made.key}


def test_older_workers_pass_over_children_alone(store: JobStore) -> None:
    parent = submit(store)
    make(store, None, claim(store, parent))
    child, other = paint(store, parent), submit(store)
    schemas = [store.client.hget(f"atelier:job:{job_id}", "schema") for job_id in (child, other)]
    assert schemas == ["5", "4"]


def _claim_all(store: JobStore) -> list:  # type: ignore[type-arg]
    jobs = []
    while found := store.claim_next("w1"):
        jobs += found
    return jobs
