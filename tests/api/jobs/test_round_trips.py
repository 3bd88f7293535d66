"""How often a job by itself makes the API ask the job store: each time costs as much as the distance."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from api.services import Services
from atelier.local.redis_server import EmbeddedServer
from shared.access.key import DEFAULT_SCOPES
from shared.access.store import KeyStore
from shared.jobs.store import JobStore
from shared.redis.client import Client, connect
from shared.redis.scripts import Scripts
from shared.setting_groups import JobRules
from shared.workers import WorkerRoster
from tests.support.http.round_trips import RoundTrips
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.waiting import eventually

SPEC = {"type": "generate", "seed": 7}
# One more than there are: a slow machine looks twice for the end, or reads again what has become old.
MOST = 7


@pytest.fixture
def direct(server: EmbeddedServer) -> Iterator[Client]:
    with connect(server.url) as client:
        yield client


@pytest.fixture
def trips(server: EmbeddedServer, direct: Client) -> Iterator[RoundTrips]:
    with RoundTrips(server.url, Scripts(direct)) as running:
        yield running


@pytest.fixture
def redis_client(trips: RoundTrips) -> Iterator[Client]:
    """The API's, which goes through the proxy."""
    with connect(trips.url) as client:
        yield client


@pytest.fixture
def worker(services: Services, direct: Client, rules: JobRules) -> FakeWorker:
    """A worker that does not."""
    running = FakeWorker(replace(services, store=JobStore(direct, rules), roster=WorkerRoster(direct)))
    running.announce("mnist-dcgan", available=("mnist-dcgan",))
    return running


@pytest.fixture
def headers(direct: Client) -> dict[str, str]:
    _, text = KeyStore(Scripts(direct)).create("anna", owner="anna", scopes=DEFAULT_SCOPES)
    return {"Authorization": f"Bearer {text}"}


class Requests:
    """The three requests of a job, and the trips that each of them made."""

    def __init__(self, app: Flask, trips: RoundTrips, worker: FakeWorker, direct: Client) -> None:
        self._app = app
        self._trips = trips
        self._worker = worker
        self._direct = direct

    def made(self, headers: dict[str, str], key: str) -> dict[str, list[str]]:
        client = self._app.test_client()
        with self._trips.counted() as submit:
            named = headers | {"Idempotency-Key": key}
            job_id = client.post("/v1/jobs", json=SPEC, headers=named).json["id"]
        with self._trips.counted() as wait:
            ended = threading.Thread(target=self._end, args=(job_id,))
            ended.start()
            told = client.get(f"/v1/jobs/{job_id}?wait=5", headers=headers).json
            ended.join()
        assert (told["status"], told["done"]) == ("succeeded", True)
        with self._trips.counted() as fetch:
            picture = client.get(f"/v1/jobs/{job_id}/outputs/0", headers=headers)
            assert picture.data
            picture.close()  # as the server does once all is sent
        return {"submit": submit, "wait": wait, "fetch": fetch}

    def _end(self, job_id: str) -> None:
        """Carry a job out once somebody waits for it, with much to tell on the way."""
        eventually(lambda: self._direct.info("clients")["blocked_clients"] > 0)
        job = self._worker.claim(job_id)
        for step in range(1, 6):
            self._worker.report(job, step / 10)
        self._worker.succeed(job)


@pytest.fixture
def requests(app: Flask, trips: RoundTrips, worker: FakeWorker, direct: Client) -> Requests:
    return Requests(app, trips, worker, direct)


def test_a_job_submitted_waited_for_and_fetched_takes_few_round_trips(
    requests: Requests, headers: dict[str, str], services: Services
) -> None:
    requests.made(headers, "first")  # opens connections, and notes that the key is used
    for known in services.known:
        known.forget()  # as after a second without submissions
    made = requests.made(headers, "second")
    assert sum(map(len, made.values())) <= MOST, made
