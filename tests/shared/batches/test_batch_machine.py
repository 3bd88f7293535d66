"""Batches under random moves of clients, workers and the reaper: no item is lost or counted wrongly."""

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from shared.batches.batch import Batch, BatchStatus, ItemDraft
from shared.batches.store import BatchStore
from shared.errors import AtelierError, BatchNotFound, IllegalMove, JobGone, StorageUnavailable
from shared.identifiers import ANONYMOUS
from shared.jobs.job import Job
from shared.jobs.record import unpacked
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.redis.client import Client
from shared.setting_groups import BatchRules, JobRules
from shared.specs.spec import JOB_SPEC, JobSpec
from shared.workers import LoadedModel, Worker, WorkerRoster
from tests.support.jobs.batch_steps import draft
from tests.support.jobs.job_steps import OUTPUT, lapse, pass_deadline, submit

RULES = JobRules(lease_seconds=300, max_attempts=2, crash_budget=3, backoff_seconds=0)
ENDED = {Status.SUCCEEDED, Status.FAILED, Status.CANCELED, Status.EXPIRED}


def spec(seed: int, *, cache: bool, lane: str = "bulk", deadline: int | None = None) -> JobSpec:
    asked = {"type": "generate", "model": "mnist-dcgan", "truncation": 1.0, "seeds": [seed]}
    return JOB_SPEC.validate_python({**asked, "cache": cache, "lane": lane, "deadline_seconds": deadline})


class Machine(RuleBasedStateMachine):
    """Makes the moves; what must hold after each is said by the invariants."""

    batches = Bundle("batches")

    def __init__(self, client: Client) -> None:
        super().__init__()
        client.flushall()
        self.client = client
        self.store = JobStore(client, RULES)
        self.batch_store = BatchStore(self.store, BatchRules())
        WorkerRoster(client).announce(Worker("w", 4, (LoadedModel("mnist-dcgan", "1", "d"),)))
        self.totals: dict[str, int] = {}
        self.running: list[Job] = []  # as handed to workers; some are theirs no more
        self.singles: list[str] = []

    @rule(target=batches)
    def open(self) -> str:
        batch, _ = self.batch_store.open(draft())
        self.totals[batch.id] = 0
        return batch.id

    @rule(
        batch_id=batches,
        seeds=st.lists(st.integers(1, 3), min_size=1, max_size=5),
        cache=st.booleans(),
        deadline=st.none() | st.just(60),
    )
    def append(self, batch_id: str, seeds: list[int], cache: bool, deadline: int | None) -> None:
        first = self.totals[batch_id]
        specs = [spec(seed, cache=cache, deadline=deadline) for seed in seeds]
        drafts = [ItemDraft(f"n{first + n}", each) for n, each in enumerate(specs)]
        batch = self.batch(batch_id)
        takes_more = batch is not None and batch.finalized_at is None
        try:
            self.totals[batch_id] = self.batch_store.append(batch_id, ANONYMOUS, drafts, first=first)
            assert takes_more
        except (IllegalMove, BatchNotFound):
            assert not takes_more

    @rule(seed=st.integers(1, 3), lane=st.sampled_from(["interactive", "bulk"]))
    def submit(self, seed: int, lane: str) -> None:
        self.singles.append(submit(self.store, spec=spec(seed, cache=True, lane=lane)))

    @rule(batch_id=batches, move=st.sampled_from(["finalize", "pause", "resume"]))
    def steer(self, batch_id: str, move: str) -> None:
        self.attempt(getattr(self.batch_store, move), batch_id)

    @rule(batch_id=batches, move=st.sampled_from(["cancel", "delete"]), luck=st.integers(0, 3))
    def withdraw(self, batch_id: str, move: str, luck: int) -> None:
        if luck == 0:
            self.attempt(getattr(self.batch_store, move), batch_id)

    def attempt(self, move: Any, *arguments: str) -> None:
        with suppress(IllegalMove, JobGone):
            move(*arguments, ANONYMOUS)

    @rule(batch_id=batches)
    def retry(self, batch_id: str) -> None:
        self.attempt(self.batch_store.retry_failed, batch_id)

    @rule(most=st.integers(1, 4))
    def claim(self, most: int) -> None:
        for job in self.store.claim_next("w", most=most):
            batch = self.batch(job.batch_id or "")
            assert batch is None or batch.status not in (BatchStatus.PAUSED, BatchStatus.CANCELED)
            assert batch is None or (job.index or 0) < batch.counts["total"]
            self.running.append(job)

    @rule(number=st.integers(0, 9), how=st.sampled_from(["succeed", "fail", "requeue", "release", "lapse"]))
    def work(self, number: int, how: str) -> None:
        if not self.running:
            return
        job = self.running.pop(number % len(self.running))
        if how == "lapse":
            lapse(self.store, job.id)
            self.store.reap()
        else:
            self.finish(job, how)

    def finish(self, job: Job, how: str) -> None:
        handed = (job.id, job.attempt)
        try:
            if how == "succeed":
                self.store.succeed(*handed, outputs=(OUTPUT,), timings={}, model=("1", "d"))
            elif how == "fail":
                self.store.fail(*handed, AtelierError("no"))
            elif how == "requeue":
                self.store.requeue(*handed, StorageUnavailable())
            else:
                self.store.release(*handed)
        except AtelierError:
            assert self.client.hget(f"atelier:job:{job.id}", "status") != "running"

    @rule(number=st.integers(0, 99), how=st.sampled_from(["cancel", "expire", "delete"]))
    def end_one(self, number: int, how: str) -> None:
        known = sorted(key.removeprefix("atelier:job:") for key in self.client.keys("atelier:job:*"))
        if not known:
            return
        job_id = known[number % len(known)]
        if how == "expire" and self.client.zscore("atelier:deadlines", job_id) is not None:
            pass_deadline(self.store, job_id)
            self.store.reap()
        elif how != "expire":
            self.attempt(getattr(self.store, how), job_id)

    @rule()
    def reap(self) -> None:
        self.store.reap()
        self.store.expire()
        self.batch_store.clean_up()
        self.store.settle()

    def batch(self, batch_id: str) -> Batch | None:
        try:
            return self.batch_store.get(batch_id, ANONYMOUS)
        except (BatchNotFound, JobGone):
            return None

    @invariant()
    def counts_equal_what_the_items_are(self) -> None:
        for batch_id in self.totals:
            if batch := self.batch(batch_id):
                items = self.batch_store.items(batch_id, ANONYMOUS).items
                have = Counter(str(item.status) for item in items)
                assert {name: n for name, n in batch.counts.items() if n and name != "total"} == dict(have)
                assert batch.counts["total"] == len(items) == self.totals[batch_id]
                all_ended = all(item.status in ENDED for item in items)
                assert batch.is_done == (batch.finalized_at is not None and all_ended)
                assert batch.is_done == (self.client.zscore("atelier:expiring", batch_id) is not None)

    @invariant()
    def the_list_of_finished_items_is_what_ended(self) -> None:
        for batch_id in self.totals:
            if self.batch(batch_id):
                listed = [job.id for job in self.batch_store.finished(batch_id, ANONYMOUS).items]
                keys = self.client.keys(f"atelier:job:*{batch_id.removeprefix('batch_')}-*")
                ended = [key.removeprefix("atelier:job:") for key in keys if self.status(key) in ENDED]
                assert sorted(listed) == sorted(ended)

    def status(self, key: str) -> str:
        return str(self.client.hget(key, "status"))

    def jobs(self) -> dict[str, dict[str, str]]:
        keys = self.client.keys("atelier:job:*")
        return {key.removeprefix("atelier:job:"): dict(unpacked(self.client.hgetall(key))) for key in keys}

    @invariant()
    def shared_bytes_are_counted_and_kept(self) -> None:
        jobs = self.jobs()
        roots = Counter(job["cached_from"] for job in jobs.values() if "cached_from" in job)
        counted = {name: int(count) for name, count in self.client.hgetall("atelier:sharers").items()}
        assert counted == dict(roots)
        garbage = self.client.zrange("atelier:garbage", 0, -1)
        assert not {f"outputs/{root}/" for root in roots} & set(garbage)

    @invariant()
    def equal_jobs_wait_for_one_and_one_only(self) -> None:
        jobs = self.jobs()
        waiting = [job for job in jobs.values() if "reuse" in job and job["status"] in ("queued", "running")]
        leaders = Counter(job["reuse"] for job in waiting if "follows" not in job)
        assert set(leaders.values()) <= {1}
        assert {job["reuse"] for job in waiting} == set(leaders)
        keys = self.client.keys("atelier:followers:*")
        listed = [name for key in keys for name in self.client.lrange(key, 0, -1)]
        assert {job["id"] for job in waiting if "follows" in job} <= set(listed)
        assert len(listed) == len(set(listed))

    def teardown(self) -> None:
        """Let everything end: whatever happened, no item and no job is left over."""
        for batch_id in self.totals:
            self.attempt(self.batch_store.resume, batch_id)
            self.attempt(self.batch_store.finalize, batch_id)
        for job in self.running:
            self.finish(job, "succeed")
        for _ in range(3):
            self.store.reap()
            self.store.settle()
            while jobs := self.store.claim_next("w", most=4):
                for job in jobs:
                    self.finish(job, "succeed")
        assert all(job["status"] in ENDED for job in self.jobs().values())
        for batch_id in self.totals:
            batch = self.batch(batch_id)
            assert batch is None or batch.is_done


@pytest.mark.slow
def test_no_order_of_moves_loses_an_item_or_counts_it_wrongly(redis_client: Client) -> None:
    run_state_machine_as_test(
        lambda: Machine(redis_client),
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
