"""One installation for all crashes, and what a calm run makes."""

from collections.abc import Iterator

import pytest

from atelier.client.client import Client
from tests.crash_points.premises import Premises


@pytest.fixture(scope="session")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Premises]:
    with Premises(tmp_path_factory.mktemp("crash-points")) as running:
        yield running


@pytest.fixture(autouse=True)
def _calm_again(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "premises" in request.fixturenames:
        running: Premises = request.getfixturevalue("premises")
        running.resume()
        running.strikes.disarm()


@pytest.fixture
def client(premises: Premises) -> Iterator[Client]:
    with premises.client() as running:
        yield running
