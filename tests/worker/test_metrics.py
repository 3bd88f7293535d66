"""What a worker tells Prometheus of its jobs, from real runs of a small generator."""

import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from shared.errors import CorruptImage
from shared.jobs.job import Job
from shared.specs.parts import Lane
from shared.workers import LoadedModel, Worker, WorkerRoster
from tests.worker.conftest import Bench
from worker.execution.attempt import Attempt, AttemptsInFlight, Stages
from worker.execution.batcher import Batcher, Request
from worker.execution.resources import StyleCache
from worker.metrics import RUN_BUCKETS, STAGE_BUCKETS, WAIT_BUCKETS, JobMetrics
from worker.process.heartbeat import Liveness
from worker.process.metrics import ModelWorkerCollector

MODEL = "mnist-dcgan"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def value(registry: CollectorRegistry) -> Callable[..., float | None]:
    def read(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"atelier_{name}", labels)

    return read


Value = Callable[..., float | None]


def test_a_run_tells_wait_run_and_stages(bench: Bench, registry: CollectorRegistry, value: Value) -> None:
    runner = bench.runner(observer=JobMetrics(registry))
    for _ in range(2):
        runner.handle(bench.submit(), Lane.INTERACTIVE)
    assert value("job_wait_seconds_count", lane="interactive") == 2
    assert value("job_run_seconds_count", model=MODEL) == 2
    stages = {"load", "preprocess", "predict", "encode", "store"}
    assert {value("job_stage_seconds_count", model=MODEL, stage=stage) for stage in stages} == {2}
    spent = sum(value("job_stage_seconds_sum", model=MODEL, stage=stage) or 0 for stage in stages)
    assert 0 < spent <= (value("job_run_seconds_sum", model=MODEL) or 0)


def test_an_attempt_that_failed_is_not_among_the_times(
    bench: Bench, registry: CollectorRegistry, value: Value
) -> None:
    def fail() -> None:
        raise CorruptImage("test")

    bench.model.before = fail
    bench.runner(observer=JobMetrics(registry)).handle(bench.submit(), Lane.INTERACTIVE)
    assert value("job_wait_seconds_count", lane="interactive") == 1
    assert value("job_run_seconds_count", model=MODEL) is None


def test_a_wait_begins_when_the_job_might_start(
    bench: Bench, registry: CollectorRegistry, value: Value
) -> None:
    metrics = JobMetrics(registry)
    job = bench.store.claim(bench.submit(), "w1")
    assert job is not None
    assert job.started_at is not None
    begun = job.started_at
    metrics.claimed(replace(job, created_at=begun - 90_000, not_before=begun - 4_000))
    assert value("job_wait_seconds_sum", lane="interactive") == pytest.approx(4)
    metrics.claimed(replace(job, created_at=begun - 3_000, not_before=begun - 4_000))
    assert value("job_wait_seconds_sum", lane="interactive") == pytest.approx(7)
    metrics.claimed(replace(job, created_at=begun - 90_000, parents={"output_0": "job_1"}))
    assert value("job_wait_seconds_count", lane="interactive") == 2


def test_micro_batches_are_counted_where_a_call_takes_several(
    registry: CollectorRegistry, value: Value
) -> None:
    batcher, entered, go_on = Batcher(1, JobMetrics(registry).called), threading.Event(), threading.Event()

    def run(payloads: Any) -> Any:
        entered.set()
        go_on.wait(20)
        return payloads

    def ask(limit: int) -> threading.Thread:
        request: Request[int, int] = Request(("m",), 1, run, model="m", limit=limit, alone=limit == 1)
        thread = threading.Thread(target=batcher.call, args=(request,))
        thread.start()
        return thread

    threads = [ask(limit=1)]  # one that takes no others is no micro-batch
    assert entered.wait(20)
    threads += [ask(limit=8) for _ in range(3)]
    while len(batcher._waiting) < 3:
        pass
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert value("micro_batch_requests_count", model="m") == 1
    assert value("micro_batch_requests_sum", model="m") == 3


def test_the_process_tells_what_it_holds(
    bench: Bench, registry: CollectorRegistry, value: Value, tmp_path: Path
) -> None:
    loaded = (LoadedModel(MODEL, "1", "d"),)
    held, styles = AttemptsInFlight(), StyleCache[int]()
    liveness = Liveness(
        Worker("box-1-77-0a1b2c", 4, (), numerics="cpu-x"),
        WorkerRoster(bench.store.client),
        tmp_path / "health",
        models=lambda: loaded,
        available=lambda: (MODEL,),
    )
    collector = ModelWorkerCollector("box-1-77-0a1b2c", 4, liveness, held, styles, lambda: loaded)
    registry.register(collector)
    assert (value("worker_ready"), value("worker_attempts"), value("worker_silence_seconds")) == (0, 0, 0)
    liveness.begin()
    for _ in range(3):
        styles.get(("d", "s"), lambda: 1)
    job = claimed(bench)
    with held.hold(job) as attempt:
        attempt.progressed -= 60
        assert (value("worker_ready"), value("worker_attempts")) == (1, 1)
        assert 60 <= (value("worker_silence_seconds") or 0) < 120
        with Stages(attempt, bench.store)("load"):
            assert 0 <= (value("worker_silence_seconds") or 60) < 60
    assert value("worker_info", worker="box-1", numerics="cpu-x") == 1
    assert value("worker_most_attempts") == 4
    assert value("worker_model_loaded", model=MODEL) == 1
    lookups = [value("style_lookups_total", result=result) for result in ("hit", "miss")]
    assert lookups == [2, 1]


def claimed(bench: Bench) -> Job:
    job = bench.store.claim(bench.submit(), "w1")
    assert job is not None
    return job


def test_a_step_within_a_stage_is_progress(bench: Bench) -> None:
    attempt = Attempt(claimed(bench))
    stages = Stages(attempt, bench.store)
    with stages("predict"):
        attempt.progressed -= 60
        stages.advance(1, 10)
        assert attempt.silence_seconds < 60


def test_bounds_reach_from_what_nobody_notices_to_the_hard_limit(bench: Bench) -> None:
    limit = bench.store.rules.hard_limit_seconds
    assert RUN_BUCKETS[-1] == STAGE_BUCKETS[-1] == limit
    for bounds in (WAIT_BUCKETS, RUN_BUCKETS, STAGE_BUCKETS):
        assert list(bounds) == sorted(set(bounds))
    fine = [bound for bound in RUN_BUCKETS if bound <= 10]
    assert max(b / a for a, b in pairwise(fine)) <= 2.5
