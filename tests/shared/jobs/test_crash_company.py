"""Which jobs a worker runs beside each other, once some of them have lost workers."""

import pytest

from shared.jobs.store import JobStore
from tests.support.jobs.job_steps import lapse, submit


def crash(store: JobStore, *job_ids: str, times: int) -> None:
    """Let jobs lose their workers together."""
    for _ in range(times):
        for job_id in job_ids:
            assert store.claim(job_id, "dead") is not None
            lapse(store, job_id)
        store.reap()


@pytest.mark.parametrize("times", [0, 1])
def test_jobs_that_lost_one_worker_at_most_run_together(store: JobStore, times: int) -> None:
    first, second = submit(store), submit(store)
    crash(store, first, times=times)
    crash(store, second, times=times)
    assert store.claim(first, "w1") is not None
    assert store.claim(second, "w1") is not None


def test_a_worker_runs_one_job_that_lost_two_workers_at_a_time(store: JobStore) -> None:
    first, second = submit(store), submit(store)
    crash(store, first, times=2)
    crash(store, second, times=2)
    running = store.claim(first, "w1")
    assert running is not None
    assert store.claim(second, "w1") is None
    assert store.claim(second, "w2") is not None


def test_the_other_is_rung_again_and_runs_once_the_first_is_done(store: JobStore) -> None:
    first, second = submit(store), submit(store)
    crash(store, first, times=2)
    crash(store, second, times=2)
    running = store.claim(first, "w1")
    assert running is not None
    assert store.claim(second, "w1") is None
    assert store.claim_next("w1") == []
    assert store.reap().lines[0].waiting == 1
    store.succeed(first, running.attempt, outputs=(), timings={}, model=("1", "d"))
    assert [job.id for job in store.claim_next("w1")] == [second]


def test_others_run_beside_a_job_that_lost_two_workers(store: JobStore) -> None:
    suspect, other = submit(store), submit(store)
    crash(store, suspect, times=2)
    assert store.claim(suspect, "w1") is not None
    assert [job.id for job in store.claim_next("w1")] == [other]
