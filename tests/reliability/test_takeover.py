"""Jobs of a worker that is killed or frozen are taken over within the lease and two seconds."""

import signal

import pytest

from tests.reliability.conftest import LEASE_SECONDS, Site
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

ROUNDS = 3  # of four jobs each


def takeovers(site: Site, number: signal.Signals) -> list[float]:
    """Strike a busy worker; return how long each of its jobs waited for its next attempt."""
    jobs = site.fill("worker")
    struck = site.now()
    pid = site.stack.signal("worker", number)
    site.let_go("worker")  # its successor may be there in time to take them over
    eventually(lambda: site.have_succeeded(jobs), seconds=30)
    assert [site.counts(job)["crashes"] for job in jobs] == [1] * len(jobs)
    site.stack.thaw(pid)
    site.let_go()
    site.await_workers()
    return [int(site.record(job)["started_at"]) / 1000 - struck for job in jobs]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_jobs_are_taken_over_in_time(site: Site, number: signal.Signals) -> None:
    taken = [seconds for _ in range(ROUNDS) for seconds in takeovers(site, number)]
    print(f"{number.name}: taken over after {min(taken):.2f} to {max(taken):.2f} s, {len(taken)} jobs")
    assert max(taken) <= LEASE_SECONDS + 2


def test_a_worker_that_wakes_up_drops_what_it_lost_and_takes_new_work(site: Site) -> None:
    jobs = site.fill("worker")
    pid = site.stack.freeze("worker")
    eventually(lambda: site.have_succeeded(jobs), seconds=30)
    versions = [site.record(job) for job in jobs]
    others = site.fill("worker-2")
    site.stack.thaw(pid)
    site.let_go("worker")
    new = [site.submit() for _ in range(3)]
    eventually(lambda: site.have_succeeded(new), seconds=20)
    assert site.stack.pid_of("worker") == pid
    eventually(lambda: all(site.attempts_with_files(job) == ["2"] for job in jobs))
    assert [site.record(job) for job in jobs] == versions
    site.let_go()
    eventually(lambda: site.have_succeeded(others))
