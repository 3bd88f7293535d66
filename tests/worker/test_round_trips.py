"""How often a job makes its worker ask the job store, beside Celery's own read of the doorbell."""

from collections.abc import Iterator

import pytest

from atelier.local.redis_server import EmbeddedServer
from shared.redis.client import Client, connect
from shared.redis.scripts import Scripts
from shared.specs.parts import Lane
from tests.support.http.round_trips import RoundTrips
from tests.worker.conftest import Bench


@pytest.fixture
def trips(server: EmbeddedServer) -> Iterator[RoundTrips]:
    with connect(server.url) as direct, RoundTrips(server.url, Scripts(direct)) as running:
        yield running


@pytest.fixture
def redis_client(trips: RoundTrips) -> Iterator[Client]:
    """The worker's, which goes through the proxy."""
    with connect(trips.url) as client:
        yield client


def test_a_worker_claims_a_job_and_ends_it_and_asks_no_more(bench: Bench, trips: RoundTrips) -> None:
    runner = bench.runner()
    runner.handle(bench.submit(), Lane.INTERACTIVE)
    job_id = bench.submit()
    with trips.counted() as made:
        runner.handle(job_id, Lane.INTERACTIVE)
    # A machine that takes longer over a stage reports it.
    assert [trip for trip in made if trip != "jobs/report"] == ["jobs/claim", "jobs/succeed + jobs/claim"]
