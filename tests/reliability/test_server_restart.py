"""Work goes on after the server restarts, without a person."""

import time

import pytest

from atelier.local.redis_server import answers
from tests.reliability.conftest import SLOTS, WORKERS, Site
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

RESUME_SECONDS = 6.0


def keep_away(site: Site, seconds: float) -> None:
    """Kill the server, and each that the supervisor starts in its place."""
    until = time.monotonic() + seconds
    while True:
        eventually(lambda: "redis" in site.stack.processes())
        site.stack.kill("redis")
        if time.monotonic() > until:
            return
        eventually(lambda: answers(site.stack.redis_url) or time.monotonic() > until)


@pytest.mark.parametrize("away_seconds", [0, 30])
def test_every_worker_takes_jobs_soon_after_the_server_answers_again(site: Site, away_seconds: float) -> None:
    before = [site.submit() for _ in range(8)]
    pids = [site.stack.pid_of(name) for name in WORKERS]
    site.hold(*WORKERS)
    keep_away(site, away_seconds)
    eventually(lambda: answers(site.stack.redis_url))
    back = time.monotonic()
    jobs = [site.submit() for _ in range(SLOTS * len(WORKERS))]
    eventually(lambda: all(any(site.is_held_by(job, name) for job in jobs) for name in WORKERS))
    print(f"away {away_seconds} s: every worker works {time.monotonic() - back:.2f} s after it answers")
    assert time.monotonic() - back < RESUME_SECONDS
    assert [site.stack.pid_of(name) for name in WORKERS] == pids
    site.let_go()
    eventually(lambda: site.have_succeeded([*before, *jobs]))
