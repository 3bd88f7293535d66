"""A real failover to a server whose clock is five minutes behind, and one back: five minutes ahead."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from shared.errors import StoreUnavailable
from shared.identifiers import ANONYMOUS
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.redis.client import connect, server_time
from shared.setting_groups import JobRules
from tests.support.jobs.batch_steps import finish
from tests.support.jobs.job_steps import claim, status, submit
from tests.support.servers.binaries import usable
from tests.support.servers.sentinels import SentinelGroup
from tests.support.waiting import eventually

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(FAKETIME is None, reason="needs libfaketime: apt-get install faketime"),
]

MINUTES = 300.0  # seconds by which the second server's clock is behind
LEASE_SECONDS = 3.0
RULES = JobRules(lease_seconds=LEASE_SECONDS, backoff_seconds=0)


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelGroup]:
    behind = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": f"-{MINUTES:.0f}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    folder = tmp_path_factory.mktemp("skewed")
    with SentinelGroup(folder, usable()[-1], environs={1: behind}) as running:
        yield running


@contextmanager
def service(store: JobStore, alive: tuple[str, int]) -> Iterator[None]:
    """A reaper, and the heartbeat of one job's worker."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.25):
            with suppress(StoreUnavailable):
                store.beat([alive])
                store.reap()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def clock_of(store: JobStore) -> float:
    """Return what the primary's own clock says, in seconds."""
    seconds, micros = store.client.time()
    return float(seconds) + float(micros) / 1e6


@pytest.mark.parametrize("change", [-MINUTES, MINUTES])
def test_no_job_is_lost_or_ends_twice(group: SentinelGroup, change: float) -> None:
    store = JobStore(connect(group.url), RULES)
    ended, alive, dead = (claim(store, submit(store)) for _ in range(3))
    finish(store, ended)
    waiting = submit(store)
    store.reap()
    eventually(lambda: bool(group.client(1 - group.primary()).hexists("atelier:clock", "looked")))
    before, began, old = clock_of(store), time.monotonic(), group.primary()
    with service(store, (alive.id, alive.attempt)):
        group.kill(old)
        group.await_failover(old)
        assert clock_of(store) - before - (time.monotonic() - began) == pytest.approx(change, abs=5)
        eventually(lambda: status(store, dead.id) is Status.QUEUED, seconds=LEASE_SECONDS * 5)
        assert store.get(waiting, ANONYMOUS).not_before <= server_time(store.client)
    finish(store, alive)
    for job_id in (dead.id, waiting):
        finish(store, claim(store, job_id))
    jobs = [store.get(job_id, ANONYMOUS) for job_id in (ended.id, alive.id, dead.id, waiting)]
    assert [job.status for job in jobs] == [Status.SUCCEEDED] * 4
    assert [job.attempt for job in jobs] == [1, 1, 2, 1]
    assert [job.crashes for job in jobs] == [0, 0, 1, 0]
    group.start(old, primary=1 - old)
    group.await_replicas(1)
