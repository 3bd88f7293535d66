"""What changed of an owner's jobs and batches: told in order, bounded, and what was lost is said."""

from typing import Any

import pytest

from shared.batches.store import BatchStore
from shared.identifiers import ANONYMOUS
from shared.jobs import changes as changes_module
from shared.jobs.changes import KEPT_SECONDS, MOST_CHANGED, Change, ChangeQueries, Changes
from shared.jobs.job import Progress
from shared.jobs.store import JobStore
from tests.support.jobs.batch_steps import begin, drain, fail, finish
from tests.support.jobs.job_steps import claim, submit

KEYS = (f"atelier:owner:{ANONYMOUS}:changes", f"atelier:owner:{ANONYMOUS}:latest-change")


class Follower:
    """Follows an owner's changes."""

    def __init__(self, store: JobStore, owner: str = ANONYMOUS) -> None:
        self.queries = ChangeQueries(store.scripts)
        self.owner = owner
        self.place = self.queries.after(owner).place

    def look(self) -> Changes:
        found = self.queries.after(self.owner, self.place)
        self.place = found.place
        return found

    def states(self) -> dict[str, Any]:
        found = self.look()
        assert not found.is_lost
        return {change.id: change.state and change.state["status"] for change in found.some}


@pytest.fixture
def follower(store: JobStore) -> Follower:
    return Follower(store)


def test_each_move_of_a_job_is_told(store: JobStore, follower: Follower) -> None:
    job_id = submit(store)
    assert follower.states() == {job_id: "queued"}
    job = claim(store, job_id)
    assert follower.states() == {job_id: "running"}
    store.report(job.id, job.attempt, Progress("predict", 0.5))
    (change,) = follower.look().some
    assert change.state is not None
    assert (change.kind, change.state["progress"]["fraction"]) == ("job", 0.5)
    store.restart(job_id, ANONYMOUS)
    assert follower.states() == {job_id: "queued"}
    store.restart(job_id, ANONYMOUS)
    assert follower.states() == {job_id: "queued"}
    finish(store, claim(store, job_id))
    assert follower.states() == {job_id: "succeeded"}
    store.delete(job_id, ANONYMOUS)
    assert follower.states() == {job_id: None}
    assert follower.states() == {}


def test_each_move_of_a_batch_is_told(store: JobStore, batches: BatchStore, follower: Follower) -> None:
    batch_id = begin(batches, 3)
    assert follower.states() == {batch_id: "open"}
    moves = {"pause": "paused", "resume": "open", "finalize": "running"}
    for move, status in moves.items():
        getattr(batches, move)(batch_id, ANONYMOUS)
        assert follower.states() == {batch_id: status}
    for job in drain(store):
        (change,) = follower.look().some if job.index == 0 else (None,)
        assert change is None or counts(change) == {"total": 3, "running": 3}
        fail(store, job)
    (change,) = follower.look().some
    assert counts(change) == {"total": 3, "failed": 3}
    assert (change.kind, change.state and change.state["done"]) == ("batch", True)
    batches.retry_failed(batch_id, ANONYMOUS)
    assert counts(follower.look().some[0]) == {"total": 3, "queued": 3}
    batches.cancel(batch_id, ANONYMOUS)
    assert follower.states() == {batch_id: "canceled"}
    batches.delete(batch_id, ANONYMOUS)
    assert follower.states() == {batch_id: None}


def counts(change: Change) -> dict[str, int]:
    assert change.state is not None
    return {name: count for name, count in change.state["counts"].items() if count}


def test_changes_come_in_order_and_the_latest_of_each_alone(store: JobStore, follower: Follower) -> None:
    first, second = submit(store), submit(store)
    finish(store, claim(store, first))
    assert list(follower.states().items()) == [(second, "queued"), (first, "succeeded")]


def test_many_changes_come_in_pieces(
    store: JobStore, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes_module, "AT_ONCE", 2)
    ids = [submit(store) for _ in range(5)]
    pieces = [follower.look() for _ in range(3)]
    assert [change.id for piece in pieces for change in piece.some] == ids
    assert [piece.is_whole for piece in pieces] == [False, False, True]


def test_a_follower_goes_on_after_the_last_change_that_it_has(store: JobStore, follower: Follower) -> None:
    ids = [submit(store) for _ in range(3)]
    some = follower.look().some
    follower.place = some[0].place
    assert list(follower.states()) == ids[1:]


def test_an_owner_sees_its_own_changes_alone(store: JobStore, follower: Follower) -> None:
    other = Follower(store, "berta")
    job_id = submit(store, owner="berta")
    assert (follower.states(), other.states()) == ({}, {job_id: "queued"})


def test_nothing_is_noted_while_nobody_follows(store: JobStore, batches: BatchStore) -> None:
    begin(batches, 2)
    finish(store, drain(store)[0])
    assert store.client.exists(*KEYS) == 0


def test_what_is_kept_is_forgotten_when_nobody_follows_any_more(store: JobStore, follower: Follower) -> None:
    submit(store)
    for key in KEYS:
        assert 0 < store.client.ttl(key) <= KEPT_SECONDS
        store.client.expire(key, 5)
    follower.look()
    assert {store.client.ttl(key) > 5 for key in KEYS} == {True}


@pytest.mark.parametrize("reason", ["forgotten", "begun again", "of another server", "of another stream"])
def test_lost_changes_are_said_once(store: JobStore, follower: Follower, reason: str) -> None:
    submit(store)
    if not reason.startswith("of another"):
        store.client.delete(*KEYS)
    if reason == "begun again":
        Follower(store)
    if reason == "of another server":
        follower.place = f"{2**44}-0"
    if reason == "of another stream":
        follower.place = "7"  # some streams take an id without its second number
    found = follower.look()
    assert (found.is_lost, found.some) == (True, ())
    job_id = submit(store)
    assert follower.states() == {job_id: "queued"}


def test_what_is_kept_is_bounded_and_what_is_too_old_is_lost(store: JobStore, follower: Follower) -> None:
    ids = [submit(store) for _ in range(MOST_CHANGED)]
    late = Follower(store)
    late.place = follower.place
    seen: list[str] = []
    while some := late.look().some:
        seen += [change.id for change in some]
    assert seen == ids
    more = [submit(store) for _ in range(100)]
    assert store.client.zcard(KEYS[0]) == MOST_CHANGED + 1
    assert store.client.xlen(KEYS[1]) == 1
    assert sum(store.client.memory_usage(key, samples=0) for key in KEYS) < 200_000
    assert late.states() == dict.fromkeys(more, "queued")
    assert follower.look().is_lost


def test_a_wait_ends_with_a_change(store: JobStore, follower: Follower) -> None:
    assert not follower.queries.wait(ANONYMOUS, follower.place, 0.01)
    submit(store)
    assert follower.queries.wait(ANONYMOUS, follower.place, 2)
    follower.look()
    assert not follower.queries.wait(ANONYMOUS, follower.place, 0.01)
