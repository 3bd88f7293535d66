"""Moves of what waits: in which order it starts then, what each kind of job comes to, what is refused."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.batches.batch import BatchDraft
from shared.batches.request import BatchSettings
from shared.batches.store import BatchStore
from shared.errors import IllegalMove, JobNotFound, StorageUnavailable
from shared.identifiers import ANONYMOUS, new_batch_id
from shared.jobs.moving import End, Move
from shared.jobs.queries import JobQueries
from shared.jobs.store import JobStore
from shared.redis.client import Client
from shared.setting_groups import BatchRules, JobRules
from shared.specs.parts import Lane
from shared.workers import Capacity
from tests.support.jobs.batch_steps import drain, fail, finish, items
from tests.support.jobs.job_steps import claim, pass_deadline, pass_pause, submission, submit, urgent

FRONT, BACK = Move(End.FRONT), Move(End.BACK)
BULK, INTERACTIVE = Move(lane=Lane.BULK), Move(lane=Lane.INTERACTIVE)
MOVES = st.builds(Move, st.sampled_from([None, *End]), st.sampled_from([None, *Lane]))


@pytest.fixture
def rules() -> JobRules:
    return JobRules(lease_seconds=300, backoff_seconds=60, bulk_patience_seconds=36_000)


@pytest.fixture
def batches(store: JobStore) -> BatchStore:
    return BatchStore(store, BatchRules(max_items=2000))


def begin(batches: BatchStore, count: int, lane: Lane = Lane.INTERACTIVE, *, sent: bool = True) -> str:
    batch, _ = batches.open(BatchDraft(new_batch_id(), ANONYMOUS, BatchSettings(lane=lane), "print"))
    batches.append(batch.id, ANONYMOUS, items(count, lane=lane), first=0)
    if sent:
        batches.finalize(batch.id, ANONYMOUS)
    return batch.id


def item_ids(batch_id: str, count: int) -> list[str]:
    return [f"job_{batch_id.removeprefix('batch_')}-{index}" for index in range(count)]


def place(queries: JobQueries, store: JobStore, job_id: str) -> int | None:
    waiting = queries.waiting(store.get(job_id, ANONYMOUS), Capacity(1))
    return waiting.position if waiting else None


def started(store: JobStore) -> list[str]:
    return [job.id for job in drain(store)]


# The expected order, from a model that knows nothing of scores: each lane is a list.


class Model:
    """The queue of one owner: groups of jobs that are moved together, with the number of their acceptance."""

    def __init__(self) -> None:
        self.places: dict[str, tuple[Lane, float]] = {}
        self.last = 0.0
        self.first = 0.0

    def add(self, name: str, lane: Lane) -> None:
        self.last += 1
        self.places[name] = (lane, self.last)

    def move(self, name: str, move: Move) -> None:
        lane, number = self.places[name]
        if move.to is End.FRONT:
            self.first -= 1
            number = self.first
        elif move.to is End.BACK:
            self.last += 1
            number = self.last
        self.places[name] = (move.lane or lane, number)

    def order(self) -> list[str]:
        lanes = list(Lane)
        return sorted(self.places, key=lambda name: (lanes.index(self.places[name][0]), self.places[name][1]))


@pytest.mark.slow
@given(
    groups=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(Lane)), min_size=1, max_size=7),
    moves=st.lists(st.tuples(st.integers(0, 6), MOVES), max_size=12),
    later=st.integers(0, 2),
)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_moves_keep_what_waits_and_give_the_order_in_which_it_starts(
    store: JobStore,
    batches: BatchStore,
    queries: JobQueries,
    groups: list[tuple[int, Lane]],
    moves: list[tuple[int, Move]],
    later: int,
) -> None:
    """A group is a job (0), or a batch of so many items; some come after the moves."""
    store.client.flushall()
    model, ids = Model(), dict[str, Sequence[str]]()

    def add(count: int, lane: Lane) -> None:
        if count:
            name = begin(batches, count, lane)
            ids[name] = item_ids(name, count)
        else:
            name = submit(store, spec=submission().spec.model_copy(update={"lane": lane}))
            ids[name] = [name]
        model.add(name, lane)

    for group in groups:
        add(*group)
    for number, move in moves:
        name = list(ids)[number % len(ids)]
        (batches if name.startswith("batch_") else store).move(name, ANONYMOUS, move)
        model.move(name, move)
    for _ in range(later):
        add(0, Lane.INTERACTIVE)
        add(2, Lane.BULK)
    expected = [job_id for name in model.order() for job_id in ids[name]]
    assert [place(queries, store, job_id) for job_id in expected] == list(range(1, len(expected) + 1))
    assert started(store) == expected


# What a move does to each kind of job.


def test_a_job_that_pauses_keeps_its_pause_and_has_the_new_place_afterwards(
    store: JobStore, queries: JobQueries
) -> None:
    delayed = submit(store)
    attempt = claim(store, delayed)
    store.requeue(delayed, attempt.attempt, StorageUnavailable())
    others = [submit(store), submit(store)]
    store.move(delayed, ANONYMOUS, BACK)
    assert queries.depths()[Lane.INTERACTIVE] == 2
    assert place(queries, store, delayed) == 3
    assert started(store) == others
    pass_pause(store, delayed)
    assert started(store) == [delayed]


def test_a_job_that_comes_back_from_its_worker_keeps_its_new_place(store: JobStore) -> None:
    moved, other = submit(store), submit(store)
    store.move(moved, ANONYMOUS, BACK)
    job = claim(store, moved)
    store.release(moved, job.attempt)
    assert started(store) == [other, moved]


def test_a_deadline_stays(store: JobStore) -> None:
    job_id = submit(store, spec=urgent())
    store.move(job_id, ANONYMOUS, BULK)
    pass_deadline(store, job_id)
    assert [store.reap().expired, started(store)] == [(job_id,), []]


def test_a_job_in_another_lane_says_so_and_its_input_does_not(store: JobStore) -> None:
    job_id = submit(store)
    store.move(job_id, ANONYMOUS, BULK)
    job = store.get(job_id, ANONYMOUS)
    assert (job.lane, job.spec.lane) == (Lane.BULK, Lane.INTERACTIVE)


def test_without_an_end_a_job_goes_to_the_place_of_its_acceptance(store: JobStore) -> None:
    first = submit(store)
    second = submit(store, spec=submission().spec.model_copy(update={"lane": Lane.BULK}))
    third = submit(store)
    store.move(second, ANONYMOUS, INTERACTIVE)
    assert started(store) == [first, second, third]


def test_what_a_job_leads_goes_with_it(store: JobStore) -> None:
    equal = submission().spec.model_copy(update={"cache": True})
    other, leader = submit(store), submit(store, spec=equal)
    follower = submit(store, spec=equal)
    with pytest.raises(IllegalMove, match=f"takes over the result of the equal job {leader}: move that"):
        store.move(follower, ANONYMOUS, FRONT)
    store.move(leader, ANONYMOUS, FRONT)
    (job,) = store.claim_next("w")
    assert job.id == leader
    finish(store, job)
    assert store.get(follower, ANONYMOUS).is_done
    assert started(store) == [other]


def test_what_does_not_wait_is_refused(store: JobStore, batches: BatchStore) -> None:
    job_id, batch_id = submit(store), begin(batches, 1)
    running = claim(store, job_id)
    with pytest.raises(IllegalMove, match="a job that is running cannot be moved"):
        store.move(job_id, ANONYMOUS, FRONT)
    finish(store, running)
    with pytest.raises(IllegalMove, match="a job that is succeeded cannot be moved"):
        store.move(job_id, ANONYMOUS, FRONT)
    (item,) = item_ids(batch_id, 1)
    with pytest.raises(IllegalMove, match=f"is an item of the batch {batch_id}, which is moved as a whole"):
        store.move(item, ANONYMOUS, FRONT)
    (attempt,) = store.claim_next("w")
    with pytest.raises(IllegalMove, match="no item of the batch waits"):
        batches.move(batch_id, ANONYMOUS, FRONT)
    finish(store, attempt)
    with pytest.raises(IllegalMove, match="a batch that is completed cannot be moved"):
        batches.move(batch_id, ANONYMOUS, FRONT)


def test_jobs_of_others_are_not_there(store: JobStore) -> None:
    with pytest.raises(JobNotFound):
        store.move(submit(store), "another", FRONT)


def test_a_paused_batch_goes_on_at_its_new_place(
    store: JobStore, batches: BatchStore, queries: JobQueries
) -> None:
    job_id, batch_id = submit(store), begin(batches, 3)
    batches.pause(batch_id, ANONYMOUS)
    batches.move(batch_id, ANONYMOUS, FRONT)
    assert (place(queries, store, job_id), queries.depths()[Lane.INTERACTIVE]) == (1, 1)
    assert batches.get(batch_id, ANONYMOUS).status == "paused"
    assert started(store) == [job_id]
    last = submit(store)
    batches.resume(batch_id, ANONYMOUS)
    assert started(store) == [*item_ids(batch_id, 3), last]


def test_items_that_came_back_or_come_later_go_with_their_batch(store: JobStore, batches: BatchStore) -> None:
    batch_id, job_id = begin(batches, 3, sent=False), submit(store)
    first, second, third = item_ids(batch_id, 3)
    (back,) = store.claim_next("w")
    (failed,) = store.claim_next("w")
    store.release(back.id, back.attempt)
    fail(store, failed)
    batches.move(batch_id, ANONYMOUS, Move(End.BACK, Lane.BULK))
    batches.append(batch_id, ANONYMOUS, items(1, first=3), first=3)
    batches.retry_failed(batch_id, ANONYMOUS)
    assert started(store) == [job_id, first, f"{second}-1", third, item_ids(batch_id, 4)[3]]
    assert {job.lane for job in batches.items(batch_id, ANONYMOUS).items} == {Lane.BULK}


def test_a_move_is_finished_by_the_reaper_where_its_process_dies(
    store: JobStore, batches: BatchStore, queries: JobQueries
) -> None:
    batch_id, job_id = begin(batches, 450), submit(store)
    store.scripts.run("batches/reorder", batch_id, ANONYMOUS, "back", "bulk")
    assert started_one(store) == job_id
    batches.go_on()
    ids = item_ids(batch_id, 450)
    assert [place(queries, store, ids[index]) for index in (0, 300, 449)] == [1, 301, 450]
    assert queries.depths() == {Lane.INTERACTIVE: 0, Lane.BULK: 450}
    assert started(store) == ids


def started_one(store: JobStore) -> str:
    (job,) = store.claim_next("w")
    return job.id


def test_no_step_of_a_move_takes_long(store: JobStore, batches: BatchStore, redis_client: Client) -> None:
    """A step moves 200 items at most, however many wait."""
    batch_id = begin(batches, 1900)
    store.scripts.run("batches/reorder", batch_id, ANONYMOUS, "front", "bulk")
    waits = ["atelier:waits:interactive:anonymous:mnist-dcgan:", "atelier:waits:bulk:anonymous:mnist-dcgan:"]
    left = []
    while store.scripts.run("batches/sweep", batch_id, 10, 1000):
        left.append([redis_client.zcard(name) for name in waits])
    assert left == [[max(0, 1900 - 200 * step), min(1900, 200 * step)] for step in range(1, len(left) + 1)]
    assert left[-1] == [0, 1900]


def test_the_move_is_an_event(store: JobStore, batches: BatchStore, queries: JobQueries) -> None:
    job_id, batch_id = submit(store), begin(batches, 1)
    store.move(job_id, ANONYMOUS, Move(End.BACK, Lane.BULK))
    batches.move(batch_id, ANONYMOUS, FRONT)
    told = [queries.events(each)[-1] for each in (job_id, batch_id)]
    assert [(event.kind, event.data) for event in told] == [
        ("moved", {"lane": "bulk", "to": "back"}),
        ("moved", {"lane": "interactive", "to": "front"}),
    ]
