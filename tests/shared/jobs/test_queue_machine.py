"""The place that a waiting job is told, against the order in which a lone worker then claims."""

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from shared.batches.batch import BatchDraft, BatchStatus, ItemDraft
from shared.batches.request import BatchSettings
from shared.batches.store import BatchStore
from shared.errors import AtelierError, IllegalMove, StorageUnavailable
from shared.identifiers import ANONYMOUS, new_batch_id
from shared.jobs.job import Job
from shared.jobs.moving import End, Move
from shared.jobs.queries import JobQueries
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.owners.quota import QuotaStore
from shared.pauses.pause import Pause, pause_from_json
from shared.redis.client import Client
from shared.setting_groups import BatchRules, JobRules
from shared.specs.parts import Lane
from shared.specs.spec import JOB_SPEC, JobSpec
from shared.workers import Capacity
from tests.support.jobs.batch_steps import finish
from tests.support.jobs.job_steps import lapse, submit

# With so much patience bulk has no second turn while a drain takes place.
RULES = JobRules(
    lease_seconds=300, max_attempts=3, crash_budget=5, backoff_seconds=60, bulk_patience_seconds=36_000
)
OWNERS = (ANONYMOUS, "b", "c")
TO, LANES = (None, *End), (None, *Lane)
LONG = 3600.0  # a pause that no drain outlives
MODELS = ("m", "n")
WORKS = ("", "m:3", "m:9", "n:3")


def spec(seed: int, lane: str, *, cache: bool, model: str = "m") -> JobSpec:
    asked = {"type": "generate", "model": model, "truncation": 1.0, "seeds": [seed]}
    return JOB_SPEC.validate_python({**asked, "cache": cache, "lane": lane})


class Machine(RuleBasedStateMachine):
    """Makes the moves of clients, workers and the reaper; each drain compares what was told with it."""

    batches = Bundle("batches")

    def __init__(self, store: JobStore) -> None:
        super().__init__()
        self.store, self.client = store, store.client
        self.client.flushall()
        self.batch_store = BatchStore(self.store, BatchRules())
        self.queries = JobQueries(self.store)
        self.quotas = QuotaStore(self.store.scripts, self.store.quotas)
        self.owner_of: dict[str, str] = {}  # of batches
        self.lane_of: dict[str, str] = {}
        self.running: list[Job] = []
        self.seed = 100

    def fresh(self) -> int:
        self.seed += 1
        return self.seed

    @rule(owner=st.sampled_from(OWNERS), lane=st.sampled_from(Lane), work=st.sampled_from(WORKS))
    def submit(self, owner: str, lane: Lane, work: str) -> None:
        asked = spec(self.fresh(), lane, cache=False, model=work.partition(":")[0] or "m")
        submit(self.store, owner=owner, spec=asked, **named(work))

    @rule(owner=st.sampled_from(OWNERS), lane=st.sampled_from(Lane), seed=st.integers(1, 2))
    def submit_equal(self, owner: str, lane: Lane, seed: int) -> None:
        submit(self.store, owner=owner, spec=spec(seed, lane, cache=True))

    @rule(target=batches, owner=st.sampled_from(OWNERS), lane=st.sampled_from(Lane))
    def open(self, owner: str, lane: Lane) -> str:
        draft = BatchDraft(new_batch_id(), owner, BatchSettings(lane=lane), "print")
        batch, _ = self.batch_store.open(draft)
        self.owner_of[batch.id], self.lane_of[batch.id] = owner, lane
        return batch.id

    @rule(
        batch_id=batches,
        seeds=st.lists(st.sampled_from([0, 0, 0, 1, 2]), min_size=1, max_size=12),
        models=st.lists(st.sampled_from(MODELS), min_size=1, max_size=5),
    )
    def append(self, batch_id: str, seeds: list[int], models: list[str]) -> None:
        owner, lane, first = self.owner_of[batch_id], self.lane_of[batch_id], self.total(batch_id)
        specs = [
            spec(seed or self.fresh(), lane, cache=bool(seed), model=models[n % len(models)])
            for n, seed in enumerate(seeds)
        ]
        drafts = [ItemDraft(f"n{first + n}", asked) for n, asked in enumerate(specs)]
        with suppress(IllegalMove):
            self.batch_store.append(batch_id, owner, drafts, first=first)

    def total(self, batch_id: str) -> int:
        return self.batch_store.get(batch_id, self.owner_of[batch_id]).counts["total"]

    @rule(batch_id=batches, move=st.sampled_from(["pause", "pause", "resume", "cancel", "retry_failed"]))
    def steer(self, batch_id: str, move: str) -> None:
        with suppress(IllegalMove):
            getattr(self.batch_store, move)(batch_id, self.owner_of[batch_id])

    @rule(number=st.integers(0, 99), to=st.sampled_from(TO), lane=st.sampled_from(LANES))
    def move_job(self, number: int, to: End | None, lane: Lane | None) -> None:
        jobs = [job for job in self.queued() if not job.batch_id]
        if jobs:
            job = jobs[number % len(jobs)]
            with suppress(IllegalMove):  # it follows an equal job
                self.store.move(job.id, job.owner, Move(to, lane))

    @rule(batch_id=batches, to=st.sampled_from(TO), lane=st.sampled_from(LANES), whole=st.booleans())
    def move_batch(self, batch_id: str, to: End | None, lane: Lane | None, whole: bool) -> None:
        if whole:
            with suppress(IllegalMove):
                self.batch_store.move(batch_id, self.owner_of[batch_id], Move(to, lane))
        else:  # the process dies after the first step; the reaper goes on before places are compared
            self.store.scripts.run("batches/reorder", batch_id, self.owner_of[batch_id], to or "", lane or "")

    @rule(most=st.integers(1, 4), models=st.sampled_from([None, None, ("m",), ("n",), ()]))
    def claim(self, most: int, models: tuple[str, ...] | None) -> None:
        jobs = self.store.claim_next("w", most=most, models=models)
        assert models is None or {job.spec.model for job in jobs} <= set(models)
        assert not any(self.is_paused(job) for job in jobs)
        self.running += jobs

    @rule(
        number=st.integers(1, 3),
        owner=st.sampled_from([None, None, *OWNERS]),
        lane=st.sampled_from([None, *Lane]),
        model=st.sampled_from([None, *MODELS]),
        seconds=st.sampled_from([None, LONG]),
    )
    def pause(
        self, number: int, owner: str | None, lane: Lane | None, model: str | None, seconds: float | None
    ) -> None:
        ends_at = None if seconds is None else int((time.time() + seconds) * 1000)
        made = Pause(f"pause_{number}", "", "", 1, lane=lane, model=model, owner=owner, ends_at=ends_at)
        self.client.hset("atelier:pauses", made.id, made.to_json())

    @rule(number=st.integers(1, 3))
    def end_pause(self, number: int) -> None:
        self.client.hdel("atelier:pauses", f"pause_{number}")

    def is_paused(self, job: Job) -> bool:
        return any(
            pause.lane in (None, job.lane)
            and pause.owner in (None, job.owner)
            and pause.model in (None, job.spec.model)
            for pause in map(pause_from_json, self.client.hvals("atelier:pauses"))
        )

    @rule(number=st.integers(0, 99))
    def claim_out_of_turn(self, number: int) -> None:
        if jobs := self.queued():
            job = self.store.claim(jobs[number % len(jobs)].id, "w")
            self.running += [job] if job else []

    @rule(
        number=st.integers(0, 9),
        how=st.sampled_from(["succeed", "fail", "requeue", "release", "delay", "lapse"]),
    )
    def work(self, number: int, how: str) -> None:
        if not self.running:
            return
        job = self.running.pop(number % len(self.running))
        with suppress(AtelierError):  # it was canceled or taken back meanwhile
            self.end(job, how)

    def end(self, job: Job, how: str) -> None:
        if how == "succeed":
            finish(self.store, job)
        elif how == "fail":
            self.store.fail(job.id, job.attempt, AtelierError("no"))
        elif how == "requeue":
            self.store.requeue(job.id, job.attempt, StorageUnavailable())
        elif how == "lapse":
            lapse(self.store, job.id)
            self.store.reap()
        else:
            self.store.release(job.id, job.attempt, pause_seconds=LONG if how == "delay" else 0)

    @rule(number=st.integers(0, 99), move=st.sampled_from(["cancel", "restart"]))
    def move_one(self, number: int, move: str) -> None:
        if jobs := self.queued():
            job = jobs[number % len(jobs)]
            getattr(self.store, move)(job.id, job.owner)

    @rule(owner=st.sampled_from(OWNERS), weight=st.sampled_from([None, 2, 3, 7]))
    def weigh(self, owner: str, weight: int | None) -> None:
        self.quotas.set(owner, {"weight": weight})

    @rule()
    def let_bulk_wait_for_long(self) -> None:
        self.client.set("atelier:starving:bulk", 1)

    @rule()
    def let_interactive_be_passed_over(self) -> None:
        self.client.set("atelier:starving:interactive", 1)

    @rule(luck=st.integers(0, 4))
    def drain(self, luck: int) -> None:
        if luck == 0:
            self.compare()

    def teardown(self) -> None:
        """Every example ends with a comparison."""
        self.compare()

    def compare(self) -> None:
        self.batch_store.go_on()
        self.end_one_pause()
        told = {job.id: self.told(job) for job in self.queued()}
        depths = self.queries.depths()
        claimed: list[Job] = []
        while jobs := self.store.claim_next("lone"):
            claimed += jobs
            finish(self.store, jobs[0])
        order = {job.id: place for place, job in enumerate(claimed, start=1)}
        assert {name: told[name] for name in order} == order
        assert depths == {lane: sum(job.lane is lane for job in claimed) for lane in Lane}
        for job in self.queued():  # what a worker does not claim now
            self.is_told_no_less(job, told[job.id], len(order))

    def end_one_pause(self) -> None:
        """A delayed job is told the place that it has once its pause is over."""
        for job_id in self.client.zrange("atelier:delayed", 0, 0):
            job = self.store.get(job_id, self.client.hget(f"atelier:job:{job_id}", "owner"))
            place = self.told(job)
            self.store.restart(job.id, job.owner)
            assert place == self.told(job)

    def is_told_no_less(self, job: Job, place: int | None, last: int) -> None:
        batch = self.batch_store.get(job.batch_id, job.owner) if job.batch_id else None
        if self.is_paused(job) or (batch and batch.status is BatchStatus.PAUSED):
            assert place is None
        else:
            assert place is None or place <= last + 1

    def told(self, job: Job) -> int | None:
        waiting = self.queries.waiting(job, Capacity(1))
        return waiting.position if waiting else None

    def queued(self) -> list[Job]:
        return [job for job in self.jobs() if job.status is Status.QUEUED]

    def jobs(self) -> Iterator[Job]:
        for key in sorted(self.client.keys("atelier:job:*")):
            yield self.store.get(key.removeprefix("atelier:job:"), self.client.hget(key, "owner"))


def named(work: str) -> dict[str, Any]:
    return {"work": work} if work else {}


@pytest.mark.slow
def test_the_place_told_is_the_order_in_which_a_lone_worker_claims(redis_client: Client) -> None:
    store = JobStore(redis_client, RULES)
    run_state_machine_as_test(
        lambda: Machine(store),
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            phases=[Phase.generate],  # to shrink an example takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
