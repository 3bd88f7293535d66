"""An owner whose quota is spent, and who sends on and on, cannot slow another."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from api.refusals import PAUSE_SECONDS
from atelier.local.redis_server import EmbeddedServer
from shared.access.key import DEFAULT_SCOPES
from shared.access.store import KeyStore
from shared.jobs.store import JobStore
from shared.owners.quota import NO_QUOTAS, QuotaStore
from shared.redis.client import connect
from shared.redis.scripts import Scripts
from tests.support.http.gunicorn_server import LoopbackGunicorn
from tests.support.jobs.batch_steps import finish
from tests.support.jobs.job_steps import submit

CONNECTIONS = 8
JOBS = 20
GENEROUS_SECONDS = 5.0
JOB = {"type": "generate", "seed": 7}


class Flood:
    """Sends A's jobs without a pause, and counts what came back."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._headers = url, {"Authorization": f"Bearer {key}"}
        self.statuses: list[int] = []
        self.seconds: list[float] = []
        self._over = threading.Event()

    def _send(self) -> None:
        with httpx.Client(base_url=self._url, headers=self._headers, timeout=30) as http:
            while not self._over.is_set():
                sent = time.monotonic()
                self.statuses.append(http.post("/v1/jobs", json=JOB).status_code)
                self.seconds.append(time.monotonic() - sent)

    @contextmanager
    def going(self) -> Iterator[None]:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for _ in range(CONNECTIONS):
                pool.submit(self._send)
            try:
                yield
            finally:
                self._over.set()


@pytest.mark.slow
def test_others_are_served_while_refusals_are_told_one_after_the_other(
    service: LoopbackGunicorn, module_server: EmbeddedServer
) -> None:
    with connect(module_server.url) as client:
        scripts = Scripts(client)
        keys = [str(KeyStore(scripts).create(o, owner=o, scopes=DEFAULT_SCOPES)[1]) for o in ("a", "b")]
        QuotaStore(scripts, NO_QUOTAS).set("a", {"daily_pixels": 1})
    flood = Flood(service.url, keys[0])
    took = []
    with flood.going():
        for _ in range(JOBS):
            sent = time.monotonic()
            headers = {"Authorization": f"Bearer {keys[1]}"}
            assert service.http.post("/v1/jobs", json=JOB, headers=headers).status_code == 202
            took.append(time.monotonic() - sent)
    assert max(took) < GENEROUS_SECONDS
    assert set(flood.statuses) == {429}
    assert min(flood.seconds) >= PAUSE_SECONDS, "a connection gets one refusal after the other, each late"


def test_a_job_of_b_is_the_next_to_start_however_many_of_a_wait(store: JobStore) -> None:
    for _ in range(50):
        submit(store, owner="a")
    finish(store, store.claim_next("w")[0])
    mine = submit(store, owner="b")
    assert [job.id for job in store.claim_next("w")] == [mine]


def test_a_free_place_is_bs_though_a_waits_longer_and_runs_as_much_as_it_may(store: JobStore) -> None:
    QuotaStore(store.scripts, store.quotas).set("a", {"running": 1})
    for _ in range(50):
        submit(store, owner="a")
    held = store.claim_next("w")[0]
    assert store.claim_next("w") == [], "a place stays free for others"
    mine = [submit(store, owner="b") for _ in range(3)]
    assert [store.claim_next("w")[0].id for _ in mine] == mine
    assert store.claim_next("w") == []
    finish(store, held)
    assert store.claim_next("w")[0].owner == "a"
