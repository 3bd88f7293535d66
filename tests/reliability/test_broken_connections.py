"""A connection that is open and dead: work goes on, and no job is lost."""

import time

import pytest

from tests.reliability.conftest import LEASE_SECONDS, Site
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

AGAIN_SECONDS = 20.0


def test_a_worker_whose_connections_are_black_holed_consumes_again(site: Site) -> None:
    others = site.fill("worker-2")
    pid = site.stack.pid_of("worker")
    site.proxies["worker"].freeze_open()
    lost = time.monotonic()
    jobs = [site.submit() for _ in range(3)]
    eventually(lambda: site.have_succeeded(jobs))
    print(f"black-holed connections: consuming again after {time.monotonic() - lost:.2f} s")
    assert time.monotonic() - lost < AGAIN_SECONDS
    assert site.stack.pid_of("worker") == pid
    site.let_go()
    eventually(lambda: site.have_succeeded(others))


def test_a_lease_outlives_connections_that_are_lost_while_others_work(site: Site) -> None:
    """The heartbeat gives a dead connection up early enough for a second try."""
    jobs = site.fill("worker")
    site.proxies["worker"].freeze_open()
    lost = time.monotonic()
    eventually(lambda: time.monotonic() - lost > LEASE_SECONDS + 2)
    site.let_go()
    eventually(lambda: site.have_succeeded(jobs))
    assert [site.counts(job)["attempt"] for job in jobs] == [1] * len(jobs)


def test_jobs_of_a_worker_in_a_black_hole_go_elsewhere_and_it_consumes_again_afterwards(site: Site) -> None:
    jobs = site.fill("worker")
    pid = site.stack.pid_of("worker")
    site.proxies["worker"].freeze()
    eventually(lambda: site.have_succeeded(jobs), seconds=30)
    others = site.fill("worker-2")
    site.proxies["worker"].thaw()
    thawed = time.monotonic()
    site.let_go("worker")
    new = [site.submit() for _ in range(3)]
    eventually(lambda: site.have_succeeded(new))
    print(f"black hole: consuming again {time.monotonic() - thawed:.2f} s after it ended")
    assert time.monotonic() - thawed < AGAIN_SECONDS
    assert site.stack.pid_of("worker") == pid
    eventually(lambda: all(site.attempts_with_files(job) == ["2"] for job in jobs))
    site.let_go()
    eventually(lambda: site.have_succeeded(others))


def test_the_api_takes_jobs_again_when_its_connections_are_black_holed(site: Site) -> None:
    site.proxies["api"].freeze_open()
    lost = time.monotonic()
    jobs = [site.submit() for _ in range(3)]
    eventually(lambda: site.have_succeeded(jobs))
    print(f"API's black-holed connections: jobs taken again after {time.monotonic() - lost:.2f} s")
    assert time.monotonic() - lost < AGAIN_SECONDS


@pytest.mark.parametrize("name", ["worker", "api"])
def test_connections_that_are_reset_hold_nobody_up(site: Site, name: str) -> None:
    others = site.fill("worker-2")
    site.proxies[name].cut()
    lost = time.monotonic()
    jobs = [site.submit() for _ in range(3)]
    eventually(lambda: site.have_succeeded(jobs))
    print(f"{name}'s connections reset: jobs done after {time.monotonic() - lost:.2f} s")
    assert time.monotonic() - lost < 2  # a doorbell that a busy worker took would be rung again only then
    site.let_go()
    eventually(lambda: site.have_succeeded(others))
