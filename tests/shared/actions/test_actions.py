"""Bulk actions: which jobs they touch, and what they count, whichever process dies."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.actions.action import Action, ActionDraft, ActionStatus, Deed
from shared.actions.runner import ActionRunner
from shared.actions.store import ActionStore
from shared.batches.store import BatchStore
from shared.errors import ActionNotFound, IdempotencyMismatch, IllegalMove, StoreFull
from shared.identifiers import ANONYMOUS, new_action_id
from shared.jobs.job import Job
from shared.jobs.listing import ALL, JobFilter
from shared.jobs.moving import End, Move
from shared.jobs.queries import JobQueries
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.redis.memory_guard import MemoryGuard
from shared.setting_groups import BatchRules, JobRules, QuotaRules
from shared.specs.parts import Lane
from shared.workers import Capacity
from tests.support.jobs.batch_steps import begin, counts, drain, fail, finish, items
from tests.support.jobs.job_steps import claim, status, submission, submit

FRONT, BACK = Move(End.FRONT), Move(End.BACK)
QUEUED = JobFilter(status=Status.QUEUED)


@pytest.fixture
def rules() -> JobRules:
    return JobRules(lease_seconds=300, backoff_seconds=60)


@pytest.fixture
def batches(store: JobStore) -> BatchStore:
    return BatchStore(store, BatchRules(max_items=500))


@pytest.fixture
def actions(store: JobStore) -> ActionStore:
    return ActionStore(store)


@pytest.fixture
def runner(store: JobStore) -> ActionRunner:
    return ActionRunner(store, MemoryGuard(store.client))


def draft(deed: Deed, only: JobFilter = ALL, *, is_of: str = ANONYMOUS, **more: Any) -> ActionDraft:
    fields = {
        "id": new_action_id(),
        "owner": ANONYMOUS,
        "items": False,
        "asked": {},
        "fingerprint": "f",
        **more,
    }
    return ActionDraft(of=is_of, deed=deed, only=only, **fields)


Act = Callable[..., Action]


@pytest.fixture
def act(actions: ActionStore, runner: ActionRunner) -> Act:
    """Begin an action, and go on with it to its end."""

    def begin_and_go_on(*what: Any, **more: Any) -> Action:
        action, _ = actions.begin(draft(*what, **more))
        runner.go_on()
        return actions.get(action.id, ANONYMOUS)

    return begin_and_go_on


def failed(store: JobStore, count: int, **changes: object) -> list[str]:
    ids = [submit(store, **changes) for _ in range(count)]
    for job_id in ids:
        fail(store, claim(store, job_id))
    return ids


def everything(store: JobStore) -> list[Job]:
    return list(JobQueries(store).page(ANONYMOUS, limit=200, items=True).items)


# What each deed does.


def test_jobs_are_canceled_and_counted(store: JobStore, act: Act) -> None:
    done = submit(store)
    finish(store, claim(store, done))
    ids = [submit(store) for _ in range(23)]
    running = claim(store, ids[0])
    action = act(Deed.CANCEL)
    assert (action.status, action.matched, action.done) == (ActionStatus.COMPLETED, 23, 23)
    assert (action.skipped, action.failed, action.fraction) == ({}, {}, 1.0)
    assert {status(store, job_id) for job_id in ids} == {Status.CANCELED}
    assert (status(store, done), status(store, running.id)) == (Status.SUCCEEDED, Status.CANCELED)


def test_a_filter_by_status_leaves_others_alone(store: JobStore, act: Act) -> None:
    running = claim(store, submit(store))
    waiting = submit(store)
    action = act(Deed.CANCEL, QUEUED)
    assert (action.matched, action.done) == (1, 1)
    assert (status(store, running.id), status(store, waiting)) == (Status.RUNNING, Status.CANCELED)


def test_ended_jobs_are_deleted_and_items_are_not(store: JobStore, batches: BatchStore, act: Act) -> None:
    ids = failed(store, 3)
    begin(batches, 1)
    (item,) = store.claim_next("w")
    fail(store, item)
    action = act(Deed.DELETE, items=True)
    assert (action.matched, action.done, action.skipped) == (4, 3, {"item": 1})
    assert [job.id for job in everything(store)] == [item.id]
    assert not set(ids) & {job.id for job in everything(store)}


def test_failed_jobs_go_again_as_they_were_sent(store: JobStore, act: Act) -> None:
    spec = submission().spec.model_copy(update={"metadata": {"for": "a test"}, "deadline_seconds": 60})
    ids = failed(store, 12, spec=spec, work="mnist-dcgan:1")
    action = act(Deed.RETRY)
    assert (action.matched, action.done) == (12, 12)
    new = [job for job in everything(store) if job.status is Status.QUEUED]
    assert sorted(job.retried_from or "" for job in new) == sorted(ids)
    assert all(
        (job.spec, job.lane, job.deadline_at is not None) == (spec, Lane.INTERACTIVE, True) for job in new
    )
    assert {store.get(job_id, ANONYMOUS).retried_as for job_id in ids} == {job.id for job in new}
    works = store.client.smembers(f"atelier:works:interactive:{ANONYMOUS}")
    assert works == {"mnist-dcgan:1"}


def test_a_job_that_was_retried_before_is_left_alone(store: JobStore, act: Act) -> None:
    failed(store, 2)
    assert act(Deed.RETRY).done == 2
    again = act(Deed.RETRY)
    assert (again.matched, again.done, again.skipped) == (2, 0, {"retried": 2})


def test_items_go_again_in_their_places(store: JobStore, batches: BatchStore, act: Act) -> None:
    batch_id = begin(batches, 5)
    batches.finalize(batch_id, ANONYMOUS)
    for number, job in enumerate(drain(store)):
        (finish if number % 2 else fail)(store, job)
    assert counts(batches, batch_id) == {"total": 5, "succeeded": 2, "failed": 3}
    action = act(Deed.RETRY, JobFilter(status=Status.FAILED), items=True)
    assert (action.matched, action.done) == (3, 3)
    assert counts(batches, batch_id) == {"total": 5, "succeeded": 2, "queued": 3}
    assert batches.get(batch_id, ANONYMOUS).status == "running"
    assert [job.index for job in drain(store)] == [0, 2, 4]


def test_a_quota_and_a_missing_file_are_failures_by_their_codes(
    store: JobStore, act: Act, rules: JobRules
) -> None:
    failed(store, 3)
    limited = JobStore(store.client, rules, QuotaRules(queued=2))
    actions, runner = ActionStore(limited), ActionRunner(limited, MemoryGuard(store.client))
    action, _ = actions.begin(draft(Deed.RETRY))
    runner.go_on()
    action = actions.get(action.id, ANONYMOUS)
    assert (action.matched, action.done, action.failed) == (3, 2, {"quota_exceeded": 1})


@pytest.mark.parametrize("move", [FRONT, BACK, Move(End.FRONT, Lane.BULK)])
def test_jobs_are_moved_together_in_the_order_of_their_acceptance(
    store: JobStore, act: Act, move: Move
) -> None:
    spec = submission().spec.model_copy(update={"metadata": {"go": "1"}})
    moved, others = [], []
    for _ in range(12):
        moved.append(submit(store, spec=spec))
        others.append(submit(store))
    action = act(Deed.MOVE, JobFilter(metadata=("go", "1")), move=move)
    assert (action.matched, action.done) == (12, 12)
    is_first = move.to is End.FRONT and move.lane is None
    queries = JobQueries(store)
    places = [queries.waiting(store.get(job_id, ANONYMOUS), Capacity(1)) for job_id in moved]
    first = 1 if is_first else 13
    assert [each.position for each in places if each] == list(range(first, first + 12))
    assert [job.id for job in drain(store)] == (moved + others if is_first else others + moved)


def test_a_job_that_cannot_be_moved_is_counted_by_the_reason(store: JobStore, act: Act) -> None:
    equal = submission().spec.model_copy(update={"cache": True})
    submit(store, spec=equal)
    submit(store, spec=equal)
    action = act(Deed.MOVE, move=FRONT)
    assert (action.matched, action.done, action.skipped) == (2, 1, {"follower": 1})


def test_a_dry_run_counts_and_changes_nothing(store: JobStore, act: Act) -> None:
    ids = [submit(store) for _ in range(5)]
    action = act(Deed.CANCEL, dry_run=True)
    assert (action.status, action.matched, action.done) == (ActionStatus.COMPLETED, 5, 0)
    assert {status(store, job_id) for job_id in ids} == {Status.QUEUED}


# Which jobs are meant.


def test_what_is_accepted_later_is_not_touched(
    store: JobStore, batches: BatchStore, actions: ActionStore, runner: ActionRunner
) -> None:
    early, batch_id = submit(store), begin(batches, 2)
    action, _ = actions.begin(draft(Deed.CANCEL, items=True))
    late = submit(store)
    batches.append(batch_id, ANONYMOUS, items(2, first=2), first=2)
    runner.go_on()
    assert actions.get(action.id, ANONYMOUS).matched == 3
    assert (status(store, early), status(store, late)) == (Status.CANCELED, Status.QUEUED)
    assert counts(batches, batch_id) == {"total": 4, "queued": 2, "canceled": 2}


def test_an_action_is_for_the_jobs_of_one_owner(store: JobStore, act: Act, actions: ActionStore) -> None:
    mine, theirs = submit(store), submit(store, owner="anna")
    action = act(Deed.CANCEL, is_of="anna")
    assert (action.matched, action.done) == (1, 1)
    assert (status(store, mine), store.get(theirs, "anna").status) == (Status.QUEUED, Status.CANCELED)
    with pytest.raises(ActionNotFound):
        actions.get(action.id, "anna")


def test_what_changes_between_its_finding_and_its_turn_is_skipped_by_its_status(
    store: JobStore, actions: ActionStore, runner: ActionRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [submit(store) for _ in range(3)]
    action, _ = actions.begin(draft(Deed.CANCEL, QUEUED))
    held = runner._take("")
    runner._step(held)
    claim(store, ids[0])
    store.cancel(ids[1], ANONYMOUS)
    store.delete(ids[1], ANONYMOUS)
    runner._take(held)
    runner._step(held)
    found = actions.get(action.id, ANONYMOUS)
    assert (found.matched, found.done, found.skipped) == (3, 1, {"running": 1, "gone": 1})


# One action after the other, and none twice.


def test_a_key_finds_its_action_again(actions: ActionStore) -> None:
    first, created = actions.begin(draft(Deed.CANCEL, idempotency_key="k"))
    again, anew = actions.begin(draft(Deed.CANCEL, idempotency_key="k"))
    assert (again.id, created, anew) == (first.id, True, False)
    with pytest.raises(IdempotencyMismatch):
        actions.begin(draft(Deed.CANCEL, idempotency_key="k", fingerprint="g"))


def test_a_canceled_action_stops_where_it_is(
    store: JobStore, actions: ActionStore, runner: ActionRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [submit(store) for _ in range(30)]
    action, _ = actions.begin(draft(Deed.CANCEL))
    runner._step(runner._take(""))
    store.scripts.run("actions/act", action.id, 10, 1000)
    actions.cancel(action.id, ANONYMOUS)
    runner.go_on()
    found = actions.get(action.id, ANONYMOUS)
    assert (found.status, found.matched, found.done) == (ActionStatus.CANCELED, 30, 10)
    assert sum(status(store, job_id) is Status.CANCELED for job_id in ids) == 10
    assert store.client.keys("atelier:action-*") == []
    actions.cancel(action.id, ANONYMOUS)


def test_a_completed_action_cannot_be_canceled(act: Act, actions: ActionStore) -> None:
    action = act(Deed.CANCEL)
    with pytest.raises(IllegalMove):
        actions.cancel(action.id, ANONYMOUS)
    with pytest.raises(ActionNotFound):
        actions.cancel(action.id, "anna")


def test_actions_are_listed_newest_first_and_expire(store: JobStore, act: Act, actions: ActionStore) -> None:
    first, second = act(Deed.CANCEL), act(Deed.RETRY)
    assert [action.id for action in actions.page(ANONYMOUS).items] == [second.id, first.id]
    days = store.client.pttl(f"atelier:action:{first.id}") / 86_400_000
    assert 6.9 < days <= 7
    store.client.delete(f"atelier:action:{first.id}")
    assert [action.id for action in actions.page(ANONYMOUS).items] == [second.id]
    act(Deed.CANCEL)
    assert store.client.zscore(f"atelier:owner:{ANONYMOUS}:actions", first.id) is None


class Killed(Exception):
    """The process is gone."""


def dying(store: JobStore, monkeypatch: pytest.MonkeyPatch, call: int, *, answered: bool) -> None:
    """Have the process die at a call of a script: before the server has it, or before its answer is read."""
    run, made = store.scripts.run, 0

    def dies(name: str, *arguments: Any) -> Any:
        nonlocal made
        made += 1
        if made == call and not answered:
            raise Killed
        found = run(name, *arguments)
        if made == call:
            raise Killed
        return found

    monkeypatch.setattr(store.scripts, "run", dies)


@pytest.mark.slow
@given(
    deed=st.sampled_from([Deed.CANCEL, Deed.RETRY, Deed.DELETE, Deed.MOVE]),
    calls=st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=6),
)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_each_job_counts_once_whenever_processes_die(
    store: JobStore, actions: ActionStore, deed: Deed, calls: list[tuple[int, bool]]
) -> None:
    """27 jobs, of which 2 ended or began meanwhile; each life of the process ends at one of its calls."""
    store.client.flushall()
    ids = [submit(store) for _ in range(27)]
    if deed in (Deed.RETRY, Deed.DELETE):
        for job_id in ids:
            fail(store, claim(store, job_id))
    move = Move(End.FRONT) if deed is Deed.MOVE else Move()
    action, _ = actions.begin(draft(deed, move=move))
    for call, answered in calls:
        with pytest.MonkeyPatch.context() as monkeypatch:
            dying(store, monkeypatch, call, answered=answered)
            try:
                ActionRunner(store, MemoryGuard(store.client)).go_on()
            except Killed:
                store.client.zadd("atelier:action-work", {action.id: 1}, xx=True)  # the lease runs out
    ActionRunner(store, MemoryGuard(store.client)).go_on()
    found = actions.get(action.id, ANONYMOUS)
    assert (found.status, found.matched, found.done) == (ActionStatus.COMPLETED, 27, 27)
    jobs = everything(store)
    made = {Deed.CANCEL: 27, Deed.RETRY: 54, Deed.DELETE: 0, Deed.MOVE: 27}
    assert len(jobs) == made[deed]
    if deed is Deed.RETRY:
        assert sorted(job.retried_from for job in jobs if job.retried_from) == sorted(ids)


def test_two_processes_share_the_work_and_count_once(
    store: JobStore, actions: ActionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease that ran out lets a second process in while the first is still at it."""
    for _ in range(35):
        submit(store)
    action, _ = actions.begin(draft(Deed.CANCEL))
    slow, quick = (ActionRunner(store, MemoryGuard(store.client)) for _ in range(2))
    find = slow._queries.page

    def overtaken(*arguments: Any, **more: Any) -> Any:
        found = find(*arguments, **more)
        store.client.zadd("atelier:action-work", {action.id: 1}, xx=True)
        quick._step(quick._take(""))
        return found

    monkeypatch.setattr(slow._queries, "page", overtaken)
    slow._step(slow._take(""))
    store.client.zadd("atelier:action-work", {action.id: 1}, xx=True)
    slow.go_on()
    found = actions.get(action.id, ANONYMOUS)
    assert (found.matched, found.done, found.skipped) == (35, 35, {})


def test_a_full_job_store_lets_retries_wait_and_others_go_on(
    store: JobStore, actions: ActionStore, runner: ActionRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(store, 2)
    waiting = submit(store)
    action, _ = actions.begin(draft(Deed.RETRY))
    other, _ = actions.begin(draft(Deed.CANCEL, QUEUED))

    def full() -> None:
        raise StoreFull("no room")

    with monkeypatch.context() as patch:
        patch.setattr(runner._memory, "check", full)
        with pytest.raises(StoreFull):
            runner.go_on()
        runner.go_on()
    assert actions.get(action.id, ANONYMOUS).status is ActionStatus.RUNNING
    assert (actions.get(other.id, ANONYMOUS).done, status(store, waiting)) == (1, Status.CANCELED)
    store.client.zadd("atelier:action-work", {action.id: 1}, xx=True)
    runner.go_on()
    assert actions.get(action.id, ANONYMOUS).done == 2
