"""What waits, is paused and is delayed are together all that is queued, whatever was done before."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from shared.batches.batch import BatchDraft
from shared.batches.request import BatchSettings
from shared.batches.store import BatchStore
from shared.errors import IllegalMove
from shared.identifiers import new_batch_id
from shared.jobs.moving import End, Move
from shared.jobs.stats import Stats, read_stats
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.pauses.store import PauseDraft, PauseStore
from shared.setting_groups import BatchRules, JobRules
from shared.specs.parts import Lane
from tests.support.jobs.batch_steps import finish, items
from tests.support.jobs.job_steps import submission, submit

OWNERS = ("anna", "ben", "cem")
STEPS = 150


@pytest.fixture
def rules() -> JobRules:
    return JobRules(lease_seconds=300, backoff_seconds=60)


class World:
    """Owners who send, pause, move, cancel; workers that claim, finish and give back."""

    def __init__(self, store: JobStore, seed: int) -> None:
        self.store, self.rng = store, random.Random(seed)
        self.batches = BatchStore(store, BatchRules())
        self.pauses = PauseStore(store.scripts)
        self.jobs: list[tuple[str, str]] = []  # owners and ids
        self.sent: list[tuple[str, str]] = []  # the same of batches
        self.steps: tuple[Callable[[], object], ...] = (
            self.submit, self.begin, self.begin, self.pause, self.end_pause, self.pause_batch,
            self.resume_batch, self.move, self.move_batch, self.cancel_batch, self.work, self.give_back,
            store.reap, self.batches.go_on,
        )  # fmt: skip

    def submit(self) -> None:
        owner, spec = self.rng.choice(OWNERS), submission().spec
        spec = spec.model_copy(update={"lane": self.rng.choice([*Lane])})
        self.jobs.append((owner, submit(self.store, owner=owner, spec=spec)))

    def begin(self) -> None:
        owner, count = self.rng.choice(OWNERS), self.rng.randint(1, 5)
        more = self.rng.choice([{}, {"sample": 2}, {"not_before": datetime(2100, 1, 1, tzinfo=UTC)}])
        settings = BatchSettings.model_validate({"lane": self.rng.choice([*Lane]), **more})
        batch, _ = self.batches.open(BatchDraft(new_batch_id(), owner, settings, "print"))
        self.batches.append(batch.id, owner, items(count), first=0)
        if self.rng.random() < 0.5:
            self.batches.finalize(batch.id, owner)
        self.sent.append((owner, batch.id))

    def pause(self) -> None:
        limits = {"lane": [*Lane], "owner": [*OWNERS], "model": ["mnist-dcgan", "other"]}
        scope = {name: self.rng.choice([None, *values]) for name, values in limits.items()}
        self.pauses.create(PauseDraft("a test", "x", **scope), for_service=True)  # type: ignore[arg-type]

    def end_pause(self) -> None:
        for pause in self.pauses.all()[:2]:
            self.pauses.end(pause.id)

    def a_batch(self, move: Callable[[str, str], object]) -> None:
        for owner, batch_id in self.rng.sample(self.sent, min(1, len(self.sent))):
            with suppress(IllegalMove):
                move(batch_id, owner)

    def pause_batch(self) -> None:
        self.a_batch(self.batches.pause)

    def resume_batch(self) -> None:
        self.a_batch(self.batches.resume)

    def cancel_batch(self) -> None:
        self.a_batch(self.batches.cancel)

    def where(self) -> Move:
        return Move(self.rng.choice([None, *End]), self.rng.choice([*Lane]))

    def move_batch(self) -> None:
        self.a_batch(lambda batch_id, owner: self.batches.move(batch_id, owner, self.where()))

    def move(self) -> None:
        for owner, job_id in self.rng.sample(self.jobs, min(1, len(self.jobs))):
            if self.store.get(job_id, owner).status is Status.QUEUED:
                self.store.move(job_id, owner, self.where())

    def work(self) -> None:
        for job in self.store.claim_next("w", most=2):
            finish(self.store, job)

    def give_back(self) -> None:
        for job in self.store.claim_next("w"):
            self.a_batch(self.batches.pause)
            self.store.release(job.id, job.attempt)

    def queued(self) -> int:
        counts = [self.batches.get(name, owner).counts[Status.QUEUED] for owner, name in self.sent]
        return sum(counts) + sum(self.store.get(i, o).status is Status.QUEUED for o, i in self.jobs)


def sums(found: Stats) -> set[tuple[int, int]]:
    """Return what waits and is paused, as each of the ways to share it out has it together."""
    ways = (found.lanes, found.owners, found.models)
    each = {(sum(s.waiting for s in way.values()), sum(s.paused for s in way.values())) for way in ways}
    return each | {(found.total.waiting, found.total.paused)}


@pytest.mark.parametrize("seed", range(4))
def test_all_that_is_queued_waits_or_is_paused_or_delayed(store: JobStore, seed: int) -> None:
    world = World(store, seed)
    seen = 0
    for _ in range(STEPS):
        step = world.rng.choice(world.steps)
        step()
        world.batches.go_on()  # what a move or a cancellation means for items
        found = read_stats(store.scripts, ())
        ((waiting, paused),) = sums(found)
        told = f"{waiting} wait, {paused} paused, {found.delayed} delayed after {step.__name__}"
        assert waiting + paused + found.delayed == world.queued(), told
        seen += bool(waiting and paused and found.delayed)
    assert seen > 20
    for owner, batch_id in world.sent:
        with suppress(IllegalMove):
            world.batches.cancel(batch_id, owner)
    assert not list(store.client.scan_iter("atelier:stopped*"))
