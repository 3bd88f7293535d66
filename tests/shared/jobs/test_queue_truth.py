"""Places and times that waiting jobs are told, against what then happens, in a simulated queue."""

import random
from collections.abc import Sequence

import pytest

from shared.jobs.store import JobStore
from shared.redis.client import Client
from shared.setting_groups import JobRules
from shared.specs.parts import Lane
from shared.workers import Worker
from tests.support.jobs.server_clock import Clock, store_by_clock
from tests.support.jobs.simulated_queue import Kind, SimulatedQueue

KINDS = (
    Kind("fast:4", 0.4),
    Kind("fast:12", 1.6),
    Kind("paint:20", 3.0),
    Kind("paint:30", 12.0),
    Kind("slow:8", 30.0),
)
SECOND = Kind("steady:1", 1.0)
QUOTAS = [None, None, 1, 2]
CAPS = {"paint": 1, "slow": 2}  # how many jobs of a model may run at once


@pytest.fixture
def clock(redis_client: Client) -> Clock:
    return Clock(redis_client)


@pytest.fixture
def lasting(redis_client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    return store_by_clock(redis_client, JobRules(lease_seconds=300, bulk_patience_seconds=30), monkeypatch)


def queue(
    store: JobStore, clock: Clock, slots: int = 0, *, workers: Sequence[Worker] = (), seed: int = 7
) -> SimulatedQueue:
    """Return a queue whose kinds of work were measured once; of one worker unless others are given."""
    found = SimulatedQueue(store, clock, workers or [Worker("w", slots, ())], random.Random(seed))
    for kind in (*KINDS, SECOND):
        found.submit("teacher", Lane.INTERACTIVE, kind)
    found.go_on()
    return found


class World:
    """Some owners with random weights and quotas, who send random jobs and batches."""

    def __init__(self, queue: SimulatedQueue, owners: int, limits: Sequence[int | None]) -> None:
        self.queue, self.rng = queue, queue.rng
        self.kinds = {f"owner{n}": self.rng.sample(KINDS, 2) for n in range(owners)}
        self.batches: dict[str, str] = {}  # their owners
        for owner in self.kinds:
            weight, limit = self.rng.choice([1, 1, 2, 3, 5]), self.rng.choice(limits)
            queue.quotas.set(owner, {"weight": weight, "running": limit})

    def fill(self, jobs: int) -> None:
        while len(self.queue.waiting) < jobs:
            self.send()

    def send(self) -> None:
        owner, lane = self.rng.choice([*self.kinds]), self.rng.choice(list(Lane))
        if self.rng.random() < 0.12:
            items = [self.rng.choice(self.kinds[owner]) for _ in range(self.rng.randint(5, 40))]
            self.batches[self.queue.begin(owner, lane, items)] = owner
        else:
            self.queue.submit(owner, lane, self.rng.choice(self.kinds[owner]))

    def ask(self, jobs: int) -> None:
        waiting = self.queue.waiting
        for job_id in self.rng.sample(waiting, min(jobs, len(waiting))):
            self.queue.ask(job_id)
        for batch_id, owner in self.batches.items():
            self.queue.ask_batch(batch_id, owner)


def is_near(told: float | None, true: float, factor: float = 1.5) -> bool:
    return told is not None and true / factor <= told + 0.05 and told - 0.05 <= true * factor


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "caps"),
    [([None], {}), (QUOTAS, {}), ([None], CAPS), (QUOTAS, CAPS)],
    ids=["no limits", "quotas", "limits of models", "quotas and limits of models"],
)
def test_of_a_thousand_jobs_nine_in_ten_are_told_their_time_within_a_factor_of_one_and_a_half(
    lasting: JobStore, clock: Clock, limits: list[int | None], caps: dict[str, int]
) -> None:
    times, places, batch_times = [], [], []
    for seed, (slots, owners) in enumerate([(1, 3), (2, 2), (4, 5), (8, 3)]):
        works = queue(lasting, clock, slots, seed=seed)
        for model, number in caps.items():
            works.model_limits.set(model, number)
        world = World(works, owners, limits)
        world.fill(250)
        for pause in (2, 10, 40, 120):
            world.ask(70)
            works.go_on(clock.now + pause)
            works.submit(*world_job(world))  # few come meanwhile
        works.go_on()
        found = works.compared()
        times += [is_near(told.eta, told.done) for told in found]
        places += [is_place(told.position, told.started) for told in found if told.position]
        batch_times += [is_near(eta, true) for eta, true in works.batches_compared()]
    assert len(times) > 1000
    assert sum(times) >= 0.9 * len(times)
    assert sum(batch_times) >= 0.9 * len(batch_times) > 50
    assert sum(places) >= (0.75 if caps else 0.8) * len(places) > 800


def world_job(world: World) -> tuple[str, Lane, Kind]:
    owner = world.rng.choice([*world.kinds])
    return owner, world.rng.choice(list(Lane)), world.rng.choice(world.kinds[owner])


def is_place(told: int, true: int) -> bool:
    """Whether a place is about the true one: how long jobs take decides how many turns bulk has."""
    return abs(told - true) <= max(2, 0.1 * true)


def test_an_owner_that_may_run_one_job_at_once_is_told_the_time_of_one_after_the_other(
    lasting: JobStore, clock: Clock
) -> None:
    works = queue(lasting, clock, slots=4)
    works.quotas.set("a", {"running": 1})
    for owner in "ab":
        works.begin(owner, Lane.BULK, [SECOND] * 12)
    last_of_a, last_of_b = works.waiting[11], works.waiting[23]
    works.ask(last_of_a)
    works.ask(last_of_b)
    works.go_on()
    told = {each.job: each for each in works.compared()}
    assert told[last_of_a].eta == pytest.approx(12, abs=1.5)
    assert told[last_of_b].eta == pytest.approx(4, abs=1.5), (
        "the slots that one leaves are free for the other"
    )
    assert told[last_of_a].position == 24
    assert told[last_of_b].position == pytest.approx(16, abs=1)
    assert all(
        is_near(each.eta, each.done) and is_place(each.position or 0, each.started) for each in told.values()
    )


def test_jobs_that_run_count_to_the_quota_of_their_owner(lasting: JobStore, clock: Clock) -> None:
    works = queue(lasting, clock, slots=4)
    works.quotas.set("a", {"running": 2})
    works.begin("a", Lane.BULK, [KINDS[3]] * 3)  # 12 seconds each
    works.go_on(clock.now)
    (third,) = works.waiting
    works.begin("b", Lane.BULK, [SECOND] * 20)
    works.ask(third)
    works.go_on()
    (told,) = works.compared()
    assert is_near(told.eta, told.done, 1.3)
    assert (told.position, told.started) == (21, 21)


def test_turns_by_weight_are_told(lasting: JobStore, clock: Clock) -> None:
    works = queue(lasting, clock, slots=1)
    works.quotas.set("a", {"weight": 3})
    for owner in "ab":
        works.begin(owner, Lane.BULK, [SECOND] * 30)
    for job_id in (works.waiting[29], works.waiting[59]):
        works.ask(job_id)
    works.go_on()
    of_a, of_b = works.compared()
    assert (of_a.position, of_b.position) == (of_a.started, of_b.started) == (40, 60)
    assert is_near(of_a.eta, of_a.done, 1.2)


def test_the_model_of_each_job_ahead_counts(lasting: JobStore, clock: Clock) -> None:
    works = queue(lasting, clock, slots=1)
    works.begin("a", Lane.BULK, [KINDS[0]] * 20)
    works.begin("b", Lane.BULK, [KINDS[4]] * 20)
    last = works.waiting[19]
    works.ask(last)
    works.go_on()
    (told,) = works.compared()
    assert told.eta == pytest.approx(20 * (0.4 + 30), rel=0.15)
    assert is_near(told.eta, told.done, 1.2)


def test_jobs_of_a_model_that_may_run_once_at_a_time_are_told_that_they_go_one_after_the_other(
    lasting: JobStore, clock: Clock
) -> None:
    works = queue(lasting, clock, slots=4)
    works.model_limits.set("steady", 1)
    works.begin("a", Lane.BULK, [SECOND] * 12)
    works.begin("b", Lane.BULK, [KINDS[2]] * 12)  # 3 seconds each
    last_of_a, last_of_b = works.waiting[11], works.waiting[23]
    works.ask(last_of_a)
    works.ask(last_of_b)
    works.go_on()
    told = {each.job: each for each in works.compared()}
    assert told[last_of_a].eta == pytest.approx(12, abs=1.5)
    assert told[last_of_b].eta == pytest.approx(12, abs=3.5), "the slots that one model leaves are free"
    assert all(is_near(each.eta, each.done) for each in told.values())


def test_a_job_that_goes_past_a_model_with_a_limit_is_told_so(lasting: JobStore, clock: Clock) -> None:
    works = queue(lasting, clock, slots=2)
    works.model_limits.set("slow", 1)
    works.begin("a", Lane.BULK, [KINDS[4]] * 10)  # 30 seconds each
    works.go_on(clock.now)
    works.submit("a", Lane.BULK, SECOND)
    works.submit("a", Lane.BULK, KINDS[4])
    (*_, fast, slow) = works.waiting
    works.ask(fast)
    works.ask(slow)
    works.go_on()
    of_fast, of_slow = works.compared()
    assert (of_fast.position, of_fast.started, of_slow.position) == (1, 1, 11)
    assert is_near(of_fast.eta, of_fast.done, 1.3)
    assert is_near(of_slow.eta, of_slow.done, 1.3)


def test_running_jobs_count_to_the_limit_of_their_model(lasting: JobStore, clock: Clock) -> None:
    works = queue(lasting, clock, slots=4)
    works.model_limits.set("slow", 1)
    works.submit("b", Lane.BULK, KINDS[4])
    works.go_on(clock.now)
    works.submit("a", Lane.BULK, KINDS[4])
    works.ask(works.waiting[0])
    works.go_on()
    (told,) = works.compared()
    assert told.eta == pytest.approx(60, rel=0.2)
    assert is_near(told.eta, told.done, 1.3)


def test_a_batch_is_told_the_end_of_the_model_that_takes_longest(lasting: JobStore, clock: Clock) -> None:
    works = queue(lasting, clock, slots=4)
    works.model_limits.set("paint", 1)
    batch_id = works.begin("a", Lane.BULK, [KINDS[2], SECOND] * 10)  # 3 seconds and 1 second
    works.ask_batch(batch_id, "a")
    works.go_on()
    ((eta, true),) = works.batches_compared()
    assert eta == pytest.approx(30, rel=0.2)
    assert is_near(eta, true, 1.3)


BOTH, FRONT, BACK = (
    Worker("both-1-a", 2, ()),
    Worker("front-1-b", 2, (), lane="interactive"),
    Worker("back-1-c", 3, (), lane="bulk"),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "least"),
    [([BOTH, BACK], 0.85), ([BOTH, FRONT], 0.75), ([FRONT, BACK], 0.9)],
    ids=["bulk", "interactive", "each its own"],
)
def test_workers_of_one_lane_are_counted_as_what_they_start(
    lasting: JobStore, clock: Clock, workers: list[Worker], least: float
) -> None:
    """What a worker of the other lane alone takes from the shared ones is left out, so some end sooner."""
    times, batch_times = [], []
    for seed in range(3):
        works = queue(lasting, clock, workers=workers, seed=seed)
        world = World(works, 3, [None])
        world.fill(150)
        for pause in (2, 20, 60):
            world.ask(70)
            works.go_on(clock.now + pause)
        works.go_on()
        times += [is_near(told.eta, told.done) for told in works.compared()]
        batch_times += [is_near(eta, true) for eta, true in works.batches_compared()]
    assert len(times) > 400
    assert sum(times) >= least * len(times)
    assert sum(batch_times) >= least * len(batch_times) > 20
