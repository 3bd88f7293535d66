"""One installation for all crashes, and what a calm run makes."""

from collections.abc import Iterator

import pytest

from atelier.client.client import Client
from tests.crash_points.installation import Installation


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("crash-points")) as running:
        yield running


@pytest.fixture(autouse=True)
def _calm_again(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "installation" in request.fixturenames:
        running: Installation = request.getfixturevalue("installation")
        running.resume()
        running.strikes.disarm()


@pytest.fixture
def client(installation: Installation) -> Iterator[Client]:
    with installation.client() as running:
        yield running
