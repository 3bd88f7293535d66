"""When an installation counts as idle."""

import time

from atelier.local.idle import await_idle, busy_check
from atelier.local.redis_server import EmbeddedServer
from shared.jobs.store import JobStore
from tests.support.jobs.job_steps import claim, submit


def test_jobs_that_wait_or_run_make_it_busy(server: EmbeddedServer, store: JobStore) -> None:
    is_busy = busy_check(server.url)
    assert not is_busy()
    job = submit(store)
    assert is_busy()
    claim(store, job)
    assert is_busy()


def test_a_server_that_does_not_answer_says_nothing_of_idleness() -> None:
    assert busy_check("redis://127.0.0.1:9/0")()


def test_it_is_idle_once_nothing_was_busy_for_a_time() -> None:
    looks = iter([False, True, True, *[False] * 100])
    began = time.monotonic()
    await_idle(lambda: next(looks), seconds=0.3)
    assert time.monotonic() - began > 0.3
    assert len(list(looks)) < 100 - 50  # it began again with the last busy look
