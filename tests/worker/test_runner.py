import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import (
    CorruptImage,
    ModelCorrupt,
    ModelUnavailable,
    ObjectDamaged,
    OutOfDisk,
    StorageUnavailable,
    StoreUnavailable,
    UnknownModel,
)
from shared.fleet import Fleet
from shared.identifiers import ANONYMOUS, sha256
from shared.jobs.job import Job
from shared.jobs.record import RECORD_SCHEMA
from shared.jobs.status import Status
from shared.jobs.submission import milliseconds
from shared.queue.celery_app import queue_of
from shared.specs.parts import Lane
from shared.workers import Worker, WorkerRoster
from tests.worker.conftest import Bench
from worker.execution import storage_gate
from worker.execution.storage_gate import StorageGate


def raising(error: Exception):  # type: ignore[no-untyped-def]
    def step() -> None:
        raise error

    return step


def test_a_job_ends_with_outputs_that_can_be_read(bench: Bench) -> None:
    job_id = bench.submit(seeds=[1, 2, 3])
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    job = bench.job(job_id)
    assert job.status is Status.SUCCEEDED
    assert [output.seed for output in job.outputs] == [1, 2, 3]
    for output in job.outputs:
        data = bench.objects.get(output.key)
        assert (sha256(data), len(data)) == (output.sha256, output.bytes)
    assert set(job.timings) == {"load", "preprocess", "predict", "encode", "store"}
    assert job.model_digest == "brightness"


def test_the_same_spec_gives_the_same_bytes(bench: Bench) -> None:
    ids = [bench.submit(seeds=[5, 9], grid={"columns": 2}) for _ in range(2)]
    for job_id in ids:
        bench.runner().handle(job_id, Lane.INTERACTIVE)
    first, second = (bench.job(job_id).outputs[0] for job_id in ids)
    assert first.sha256 == second.sha256


def test_a_worker_of_one_lane_runs_no_job_of_the_other(bench: Bench) -> None:
    job_id, other = bench.submit(lane="bulk"), bench.submit()
    bench.runner(lanes=[Lane.BULK]).handle(other, Lane.BULK)
    assert (bench.job(job_id).status, bench.job(other).status) == (Status.SUCCEEDED, Status.QUEUED)


def test_a_second_doorbell_does_nothing(bench: Bench) -> None:
    job_id = bench.submit()
    runner = bench.runner()
    runner.handle(job_id, Lane.INTERACTIVE)
    version = bench.job(job_id).version
    runner.handle(job_id, Lane.INTERACTIVE)
    assert bench.job(job_id).version == version


def test_a_permanent_error_fails_at_the_first_attempt(bench: Bench) -> None:
    bench.model.before = raising(CorruptImage.of_field("/content", "truncated"))
    job_id = bench.submit()
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    job = bench.job(job_id)
    assert (job.status, job.attempt) == (Status.FAILED, 1)
    assert job.error is not None
    assert (job.error["code"], job.error["errors"][0]["pointer"]) == ("corrupt_image", "/content")


def test_a_transient_error_goes_back_to_the_queue(bench: Bench) -> None:
    tries = iter([raising(ObjectDamaged("a bit fell over")), lambda: None])
    bench.model.before = lambda: next(tries)()
    job_id = bench.submit()
    bench.runner().handle(job_id, Lane.INTERACTIVE)  # goes on while anything can be claimed
    job = bench.job(job_id)
    assert (job.status, job.attempt, job.failures, job.error) == (Status.SUCCEEDED, 2, 1, None)


def test_a_fault_of_the_program_ends_the_job_and_not_the_worker(bench: Bench) -> None:
    bench.model.before = raising(KeyError("bug"))
    job_id = bench.submit()
    runner = bench.runner()
    runner.handle(job_id, Lane.INTERACTIVE)
    job = bench.job(job_id)
    assert job.status is Status.FAILED
    assert job.error is not None
    assert job.error["code"] == "internal_error"
    assert bench.held.all() == []


def test_a_job_canceled_while_it_runs_leaves_nothing(bench: Bench) -> None:
    job_id = bench.submit()
    bench.model.before = lambda: bench.store.cancel(job_id, ANONYMOUS)
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    assert bench.job(job_id).status is Status.CANCELED
    assert list(bench.objects.keys(f"outputs/{job_id}/")) == []


def test_a_job_whose_deadline_passes_while_it_runs_leaves_nothing(bench: Bench) -> None:
    job_id = bench.submit(deadline_seconds=60)

    def expire() -> None:
        bench.store.client.zadd("atelier:deadlines", {job_id: 1}, xx=True)
        bench.store.reap()

    bench.model.before = expire
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    assert bench.job(job_id).status is Status.EXPIRED
    assert list(bench.objects.keys(f"outputs/{job_id}/")) == []


def test_the_next_job_is_claimed_with_the_end_of_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    claims: list[int] = []
    claim_next = bench.store.claim_next

    def counted(*given: Any, **named: Any) -> list[Job]:
        claims.append(1)
        return claim_next(*given, **named)

    monkeypatch.setattr(bench.store, "claim_next", counted)
    ids = [bench.submit() for _ in range(5)]
    bench.runner().handle(ids[0], Lane.INTERACTIVE)
    assert [bench.job(job_id).status for job_id in ids] == [Status.SUCCEEDED] * 5
    assert len(claims) == 1


def lose_first_reply(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    """Have the first call do what it does, and its reply be lost."""
    method = getattr(owner, name)
    lost: list[int] = []

    def losing(*given: Any, **named: Any) -> Any:
        reply = method(*given, **named)
        if not lost:
            lost.append(1)
            raise StoreUnavailable(inside="lost on the way")
        return reply

    monkeypatch.setattr(owner, name, losing)


@pytest.mark.parametrize(
    ("owner", "method"),
    [(lambda bench: bench.store.scripts, "run_together"), (lambda bench: bench.store, "claim_next")],
)
def test_no_job_is_left_behind_where_the_reply_to_a_claim_is_lost(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, owner: Callable[[Bench], Any], method: str
) -> None:
    ids = [bench.submit() for _ in range(3)]
    lose_first_reply(monkeypatch, owner(bench), method)
    bench.runner().handle(ids[0], Lane.INTERACTIVE)
    done = [bench.job(job_id) for job_id in ids]
    assert [(job.status, job.attempt) for job in done] == [(Status.SUCCEEDED, 1)] * 3
    assert bench.store.client.zcard("atelier:leases") == 0


def test_what_was_claimed_with_a_lost_attempt_is_given_back_first(bench: Bench) -> None:
    first, second = bench.submit(), bench.submit()

    def cancel() -> None:
        bench.model.before = lambda: None
        bench.store.cancel(first, ANONYMOUS)

    bench.model.before = cancel
    bench.runner().handle(first, Lane.INTERACTIVE)
    done = bench.job(second)
    assert (bench.job(first).status, done.status) == (Status.CANCELED, Status.SUCCEEDED)
    assert (done.crashes, done.failures) == (0, 0)
    assert [each.outcome for each in done.history] == ["released", "succeeded"]


def test_a_doorbell_that_comes_to_a_cordoned_worker_goes_to_another(bench: Bench) -> None:
    job_id = bench.submit()
    WorkerRoster(bench.store.client).announce(Worker("w1", 4, ()))
    Fleet(bench.store.client).cordon("w1", by="anna")
    steps: list[int] = []

    def note() -> None:
        steps.append(bench.store.client.llen("atelier.interactive"))

    bench.runner(on_cordon=note).handle(job_id, Lane.INTERACTIVE)
    assert (bench.job(job_id).status, bench.job(job_id).attempt) == (Status.QUEUED, 0)
    assert steps == [0]  # its intake is closed before the doorbell lies there again
    assert bench.store.client.llen("atelier.interactive") == 1


def test_a_job_that_a_newer_version_wrote_is_left_for_a_newer_worker(bench: Bench) -> None:
    job_id = bench.submit()
    bench.store.client.hset(f"atelier:job:{job_id}", "schema", RECORD_SCHEMA + 1)
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    bench.store.client.hset(f"atelier:job:{job_id}", "schema", RECORD_SCHEMA)
    assert (bench.job(job_id).status, bench.job(job_id).attempt) == (Status.QUEUED, 0)


def test_an_attempt_that_lost_its_lease_leaves_the_record_alone(bench: Bench) -> None:
    job_id = bench.submit()

    def lose() -> None:
        bench.model.before = lambda: None
        bench.store.client.zadd("atelier:leases", {job_id: 1})
        bench.store.reap()
        bench.runner().handle(job_id, Lane.INTERACTIVE)  # another worker finishes it meanwhile

    bench.model.before = lose
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    job = bench.job(job_id)
    assert (job.status, job.attempt, job.crashes) == (Status.SUCCEEDED, 2, 1)
    assert [output.key for output in job.outputs] == list(bench.objects.keys(f"outputs/{job_id}/"))


def test_a_draining_worker_hands_the_doorbell_on(bench: Bench) -> None:
    job_id = bench.submit()
    runner = bench.runner()
    runner.drain()
    runner.handle(job_id, Lane.BULK)
    assert bench.job(job_id).status is Status.QUEUED
    assert bench.store.client.llen(queue_of(Lane.BULK)) == 1


def test_success_told_twice_is_one_success(bench: Bench) -> None:
    job_id = bench.submit()
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    job = bench.job(job_id)
    bench.store.succeed(job_id, 1, outputs=(), timings={}, model=("other", "other"))
    assert bench.job(job_id) == job


def end_pause(bench: Bench, job_id: str) -> None:
    bench.store.client.hset(f"atelier:job:{job_id}", "not_before", 0)
    bench.store.client.zadd("atelier:delayed", {job_id: 0}, xx=True)
    bench.store.reap()


@pytest.mark.parametrize("error", [OutOfDisk(), StorageUnavailable()])
def test_a_job_whose_result_cannot_be_stored_waits_and_no_attempt_is_counted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: StorageUnavailable
) -> None:
    job_id = bench.submit(seeds=[1, 2])
    put = bench.objects.put

    def full(key: str, data: bytes) -> None:
        if key.endswith("1.png"):
            raise error
        put(key, data)

    monkeypatch.setattr(bench.objects, "put", full)
    if not isinstance(error, OutOfDisk):
        monkeypatch.setattr(bench.objects, "check", raising(error))
    for attempt in range(1, 6):
        end_pause(bench, job_id)
        bench.runner().handle(job_id, Lane.INTERACTIVE)
        job = bench.job(job_id)
        assert (job.status, job.attempt, job.counted_attempts) == (Status.QUEUED, attempt, 0)
        assert 1000 < job.not_before - milliseconds(time.time()) < 5000
    bench.garbage.sweep()
    assert list(bench.objects.keys("outputs/")) == []
    monkeypatch.undo()
    end_pause(bench, job_id)
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    assert bench.job(job_id).status is Status.SUCCEEDED


@pytest.mark.parametrize(
    "error", [ModelUnavailable("not here"), ModelCorrupt("damaged"), UnknownModel("no such card")]
)
def test_a_job_whose_model_cannot_be_loaded_waits_and_loses_no_attempt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    job_id = bench.submit()
    runner = bench.runner()
    with monkeypatch.context() as patch:
        patch.setattr(bench, "get", lambda name: raising(error)())
        for _ in range(6):
            runner.handle(job_id, Lane.INTERACTIVE)
            job = bench.job(job_id)
            assert (job.status, job.counted_attempts) == (Status.QUEUED, 0)
            assert job.history[-1].code == error.code  # type: ignore[attr-defined]
            end_pause(bench, job_id)
    runner.handle(job_id, Lane.INTERACTIVE)
    assert bench.job(job_id).status is Status.SUCCEEDED


def test_a_job_that_finds_its_model_damaged_at_work_fails(bench: Bench) -> None:
    bench.model.before = raising(ModelCorrupt("it gave values that are not numbers"))
    job_id = bench.submit()
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    assert bench.job(job_id).status is Status.FAILED


def test_a_job_goes_to_a_worker_that_can_run_its_model_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = bench.submit()
    with monkeypatch.context() as patch:
        patch.setattr(bench, "runnable", lambda: ("multistyle-26",))
        bench.runner().handle(job_id, Lane.INTERACTIVE)
    assert (bench.job(job_id).status, bench.job(job_id).attempt) == (Status.QUEUED, 0)
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    assert bench.job(job_id).status is Status.SUCCEEDED


def test_nothing_is_claimed_while_the_disk_has_no_room_for_results(bench: Bench) -> None:
    job_id = bench.submit()
    bench.runner(has_room=lambda: False).handle(job_id, Lane.INTERACTIVE)
    assert (bench.job(job_id).status, bench.job(job_id).attempt) == (Status.QUEUED, 0)
    bench.runner(has_room=lambda: True).handle(job_id, Lane.INTERACTIVE)
    assert bench.job(job_id).status is Status.SUCCEEDED


def denied(key: str) -> bytes:
    raise StorageUnavailable(inside=f"at {key}: denied", is_lasting=True)


def test_a_job_whose_own_object_is_refused_fails_after_its_attempts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The storage answers, so that waiting is of no use; the first time may have been a moment's fault."""
    bench.model.before = lambda: denied("inputs/x")
    job_id, counted = bench.submit(), []
    runner = bench.runner()
    for _ in range(4):
        end_pause(bench, job_id)
        runner.handle(job_id, Lane.INTERACTIVE)
        counted.append(bench.job(job_id).counted_attempts)
    job = bench.job(job_id)
    assert (job.status, counted[0]) == (Status.FAILED, 0)
    assert job.failures == bench.store.rules.max_attempts
    assert job.error is not None
    assert job.error["cause"]["code"] == "storage_unavailable"


def test_nothing_is_claimed_while_the_storage_does_not_answer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.execution.storage_gate.PAUSE_SECONDS", 0.0)
    first, second = bench.submit(), bench.submit()
    bench.model.before = lambda: denied("inputs/x")
    runner = bench.runner()
    with monkeypatch.context() as patch:
        patch.setattr(bench.objects, "check", lambda: denied("/"))
        for job_id in (first, second, first, second):
            end_pause(bench, first)
            end_pause(bench, second)
            runner.handle(job_id, Lane.INTERACTIVE)
        assert sum(bench.job(job_id).attempt for job_id in (first, second)) <= 2  # those of one claim
        assert len(bench.garbage) == 0  # they stored nothing
    bench.model.before = lambda: None
    for job_id in (first, second):
        end_pause(bench, job_id)
        runner.handle(job_id, Lane.INTERACTIVE)
        assert bench.job(job_id).status is Status.SUCCEEDED


def test_a_gate_says_why_it_is_closed_as_long_as_that_is_known(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("worker.execution.storage_gate.time.monotonic", lambda: now[0])
    gate = StorageGate(bench.objects)
    assert gate.obstacle is None
    gate.close(OutOfDisk())
    assert isinstance(gate.obstacle, OutOfDisk)
    now[0] += storage_gate.PAUSE_SECONDS
    with monkeypatch.context() as patch:
        patch.setattr(bench.objects, "check", lambda: denied("/"))
        assert not gate.is_open()
        assert gate.obstacle.code == StorageUnavailable.code
    now[0] += storage_gate.PAUSE_SECONDS + storage_gate.KNOWN_SECONDS
    assert gate.obstacle is None, "nobody has asked for long"
    assert gate.is_open()
    assert gate.obstacle is None


def test_a_closed_gate_asks_the_storage_once_in_a_pause(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    gate = StorageGate(bench.objects, pause_seconds=3600)
    with monkeypatch.context() as patch:
        patch.setattr(bench.objects, "check", lambda: asked.append("") or denied("/"))
        assert [gate.is_open(), gate.answers(), gate.is_open(), gate.answers()] == [True, False, False, False]
        assert len(asked) == 1
