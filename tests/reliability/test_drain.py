"""A worker told to stop: no attempt counts, and what it did not finish starts elsewhere at once."""

import signal
from itertools import pairwise

import pytest

from atelier.client.job import Job
from tests.reliability.conftest import Site
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

ELSEWHERE_SECONDS = 1.0


def waits(site: Site, job: Job) -> list[float]:
    """Return how long a job waited each time that it was queued, in seconds by the server's clock."""
    events = [event for event in site.client.jobs.events(job) if event.kind == "state"]
    times = [(event.data["status"], int(event.id.partition("-")[0]) / 1000) for event in events]
    return [begun - queued for (before, queued), (_, begun) in pairwise(times) if before == "queued"]


def test_unfinished_work_starts_elsewhere_at_once_and_counts_nothing(site: Site) -> None:
    jobs = site.fill("worker")
    site.stack.signal("worker", signal.SIGTERM)
    eventually(lambda: site.have_succeeded(jobs), seconds=30)
    gaps = [waits(site, job)[1] for job in jobs]
    print(f"released work starts elsewhere after {min(gaps):.3f} to {max(gaps):.3f} s")
    assert max(gaps) <= ELSEWHERE_SECONDS
    for job in jobs:
        assert site.counts(job) == {"attempt": 2, "released": 1, "failures": 0, "crashes": 0}


def test_what_comes_while_a_worker_stops_waits_for_nobody(site: Site) -> None:
    """Claimed at that moment, received and waiting for a thread, or popped by a read that still blocks."""
    held = site.fill("worker")
    site.let_go()
    jobs = [site.submit() for _ in range(10)]
    site.stack.signal("worker", signal.SIGTERM)
    jobs += [site.submit() for _ in range(60)]
    eventually(lambda: site.have_succeeded([*held, *jobs]), seconds=30)
    longest = max(max(waits(site, job)) for job in jobs)
    print(f"the longest wait for a worker while one stops: {longest:.3f} s")
    assert longest <= ELSEWHERE_SECONDS
    assert {(c["failures"], c["crashes"]) for c in map(site.counts, jobs)} == {(0, 0)}
