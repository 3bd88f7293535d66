"""The time that a waiting job is told, against the time that it then takes, by a clock that the test sets."""

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from shared.batches.batch import ItemDraft
from shared.batches.store import BatchStore
from shared.cards.card import ModelCard, load_catalog
from shared.identifiers import ANONYMOUS
from shared.jobs.job import Job
from shared.jobs.queries import JobQueries
from shared.jobs.store import JobStore
from shared.redis.client import Client
from shared.setting_groups import BatchRules, JobRules
from shared.specs.parts import Lane, PictureSize
from shared.specs.spec import JOB_SPEC, JobSpec, resolve, work_of
from shared.workers import Capacity
from tests.support.jobs.batch_steps import draft, finish
from tests.support.jobs.job_steps import submit
from tests.support.jobs.server_clock import Clock, store_by_clock

CATALOG = load_catalog()
SMALL, LARGE = (640, 480), (6000, 4000)
SIZES = [SMALL, (1024, 768), (1600, 1200), (4000, 3000), LARGE]
FILE = "file_" + "0" * 64


def card_of(model: str) -> ModelCard:
    return CATALOG.get(model)


@dataclass(frozen=True)
class Order:
    """A job to submit, and the seconds for which it keeps one place busy."""

    spec: JobSpec
    work: str
    seconds: float


def stylize(width: int, height: int, *, model: str = "magenta-mobile", **more: object) -> Order:
    asked = {"type": "stylize", "model": model, "content": FILE, "styles": [{"image": FILE}]}
    spec = resolve(JOB_SPEC.validate_python({**asked, "stroke": "native", **more}), CATALOG)
    work = work_of(spec, card_of(model), PictureSize(width, height))
    steps = spec.optimize.steps if getattr(spec, "optimize", None) else 1
    return Order(spec, work, 0.05 + 0.45e-6 * width * height * (1 + 0.2 * (steps - 1)))


def digits(count: int) -> Order:
    asked = {"type": "generate", "model": "mnist-dcgan", "seed": 1, "count": count}
    spec = resolve(JOB_SPEC.validate_python(asked), CATALOG)
    return Order(spec, work_of(spec, card_of("mnist-dcgan")), 0.02 + 0.001 * count)


@dataclass
class Shop:
    """Workers that take what a job needs and no time besides; more jobs than places share the places."""

    store: JobStore
    clock: Clock
    places: int
    slots: int
    rng: random.Random
    orders: dict[str, Order] = field(default_factory=dict)
    running: dict[str, tuple[Job, float]] = field(default_factory=dict)  # with the seconds left
    done: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.queries = JobQueries(self.store)
        self.batches = BatchStore(self.store, BatchRules())

    def submit(self, order: Order, lane: Lane = Lane.INTERACTIVE) -> str:
        spec = order.spec.model_copy(update={"lane": lane})
        self.files()
        job_id = submit(self.store, spec=spec, work=order.work)
        self.orders[job_id] = order
        return job_id

    def append(self, orders: list[Order]) -> list[str]:
        self.files()
        batch, _ = self.batches.open(draft())
        items = [
            ItemDraft(str(n), each.spec.model_copy(update={"lane": Lane.BULK}), each.work)
            for n, each in enumerate(orders)
        ]
        self.batches.append(batch.id, ANONYMOUS, items, first=0)
        jobs = self.batches.items(batch.id, ANONYMOUS, limit=len(orders)).items
        self.orders |= {job.id: order for job, order in zip(jobs, orders, strict=True)}
        return [job.id for job in jobs]

    def files(self) -> None:
        fields = {"key": "k", "id": FILE, "owner": ANONYMOUS}
        self.store.client.hset(f"atelier:file:{ANONYMOUS}:{FILE}", mapping=fields)

    def start(self) -> None:
        while len(self.running) < self.slots and (jobs := self.store.claim_next("w")):
            (job,) = jobs
            self.running[job.id] = (job, self.orders[job.id].seconds * self.rng.uniform(0.85, 1.2))

    def go_on(self, until: float = float("inf")) -> None:
        """Work until a time, or until nothing is left."""
        self.start()
        while self.running and self.clock.now < until:
            speed = min(1.0, self.places / len(self.running))
            first = heapq.nsmallest(1, self.running, key=lambda name: self.running[name][1])[0]
            seconds = min(self.running[first][1] / speed, until - self.clock.now)
            self.clock.set(self.clock.now + seconds)
            for name, (job, left) in list(self.running.items()):
                self.running[name] = (job, left - seconds * speed)
                if self.running[name][1] <= 1e-9:
                    finish(self.store, self.running.pop(name)[0])
                    self.done[name] = self.clock.now
            self.start()
        if until != float("inf"):
            self.clock.set(max(self.clock.now, until))

    def told(self, job_id: str) -> float | None:
        waiting = self.queries.waiting(self.store.get(job_id, ANONYMOUS), Capacity(self.places))
        return waiting.eta_seconds if waiting else None


@pytest.fixture
def clock(redis_client: Client) -> Clock:
    return Clock(redis_client)


@pytest.fixture
def lasting(redis_client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    return store_by_clock(redis_client, JobRules(lease_seconds=300, bulk_patience_seconds=30), monkeypatch)


def shop(store: JobStore, clock: Clock, places: int, slots: int) -> Shop:
    return Shop(store, clock, places, slots, random.Random(7))


def is_near(told: float, true: float) -> bool:
    return true / 2 <= told + 0.05 and told - 0.05 <= true * 2


@pytest.mark.parametrize(("places", "slots"), [(1, 1), (2, 4)])
def test_nine_of_ten_jobs_of_mixed_sizes_end_within_a_factor_of_two_of_what_they_were_told(
    lasting: JobStore, clock: Clock, places: int, slots: int
) -> None:
    works = shop(lasting, clock, places, slots)
    for size in (SMALL, LARGE):
        works.submit(stylize(*size))
    works.submit(digits(1))
    works.submit(stylize(*SMALL, model="nst-gatys", optimize={"steps": 100}))
    works.go_on()
    kinds = [
        *(stylize(*size) for size in SIZES * 4),
        *(digits(count) for count in (1, 16, 64) * 4),
        *(stylize(*SMALL, model="nst-gatys", optimize={"steps": steps}) for steps in (50, 200)),
    ]
    works.rng.shuffle(kinds)
    waiting = works.append(kinds)
    waiting += [works.submit(each, works.rng.choice(list(Lane))) for each in kinds]
    told: list[tuple[str, float, float]] = []
    for moment in (0, 2, 5, 10, 20):  # seconds, in which less and less is left
        works.go_on(works.clock.now + moment)
        told += [(job, clock.now, eta) for job in waiting if (eta := works.told(job)) is not None]
    works.go_on()
    near = [is_near(eta, works.done[job] - at) for job, at, eta in told]
    assert len(told) > 2 * len(waiting)
    assert sum(near) >= 0.9 * len(near), [
        (round(eta, 1), round(works.done[job] - at, 1), lasting.get(job, ANONYMOUS).lane)
        for (job, at, eta), good in zip(told, near, strict=True)
        if not good
    ]


def test_what_is_not_sent_yet_is_told_its_time(lasting: JobStore, clock: Clock) -> None:
    works = shop(lasting, clock, places=2, slots=2)
    kinds = [*(stylize(*size) for size in SIZES), *(digits(count) for count in (1, 16))]
    for each in kinds:
        works.submit(each)
    works.go_on()
    works.append(kinds * 3)
    asked = Counter(each.work for each in kinds * 5)
    told = works.queries.expected_of_new(ANONYMOUS, Lane.BULK, asked, Capacity(2))
    begun, items = clock.now, works.append(kinds * 5)
    works.go_on()
    took = max(works.done[item] for item in items) - begun
    assert took / 1.5 <= (told.eta_seconds or 0) <= took * 1.5
    work = sum(each.seconds for each in kinds * 5)
    assert work / 1.5 <= (told.work_seconds or 0) <= work * 1.5


def test_large_photos_after_small_ones_are_told_a_longer_time(lasting: JobStore, clock: Clock) -> None:
    works = shop(lasting, clock, places=1, slots=1)
    for _ in range(8):
        works.submit(stylize(*SMALL))
    works.go_on()
    large = [works.submit(stylize(*LARGE)) for _ in range(6)]
    begun = clock.now
    told = [works.told(job) or 0 for job in large]
    works.go_on()
    taken = [works.done[job] - begun for job in large]
    assert all(is_near(eta, true) for eta, true in zip(told, taken, strict=True))
    assert told == sorted(told)


def test_a_running_job_counts_with_what_is_left_of_it(lasting: JobStore, clock: Clock) -> None:
    works = shop(lasting, clock, places=1, slots=1)
    works.submit(stylize(*LARGE))
    works.go_on()
    works.submit(stylize(*LARGE))
    last = works.submit(stylize(*LARGE))
    works.go_on(clock.now + 0.001)
    at_first = works.told(last) or 0
    works.go_on(clock.now + 5)
    assert works.told(last) == pytest.approx(at_first - 5, abs=0.1)


def test_a_job_behind_a_batch_waits_for_the_items(lasting: JobStore, clock: Clock) -> None:
    works = shop(lasting, clock, places=2, slots=2)
    works.submit(stylize(*SMALL))
    works.go_on()
    items = works.append([stylize(*SMALL)] * 599)
    last = works.submit(stylize(*SMALL), Lane.BULK)
    waiting = works.queries.waiting(lasting.get(last, ANONYMOUS), Capacity(2))
    assert waiting is not None
    assert waiting.position == 600
    begun = clock.now
    works.go_on()
    assert is_near(waiting.eta_seconds or 0, works.done[last] - begun)
    assert works.done[last] >= max(works.done[item] for item in items) - 1


def test_bulk_is_told_of_the_turns_that_it_has_between_interactive_jobs(
    lasting: JobStore, clock: Clock
) -> None:
    works = shop(lasting, clock, places=1, slots=1)
    works.submit(stylize(1024, 768))
    works.go_on()
    for _ in range(400):
        works.submit(stylize(1024, 768))
    bulk = [works.submit(stylize(1024, 768), Lane.BULK) for _ in range(5)]
    begun, told = clock.now, [works.told(job) or 0 for job in bulk]
    works.go_on()
    assert all(is_near(eta, works.done[job] - begun) for job, eta in zip(bulk, told, strict=True))


def test_long_bulk_jobs_let_interactive_ones_between_them(lasting: JobStore, clock: Clock) -> None:
    works = shop(lasting, clock, places=1, slots=1)
    bulk = [works.submit(stylize(*LARGE), Lane.BULK) for _ in range(4)]
    small = [works.submit(stylize(*SMALL)) for _ in range(8)]
    works.go_on(clock.now + 0.001)
    clock.set(clock.now + 40)  # bulk has been passed over for longer than its patience
    works.go_on()
    order = sorted(works.done, key=works.done.__getitem__)
    turns = [order.index(job) for job in bulk]
    assert all(later - earlier > 1 for earlier, later in pairwise(turns))
    assert set(small) < set(order)
