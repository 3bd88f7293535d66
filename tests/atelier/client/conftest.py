"""Both clients: what is tested of one is tested of the other."""

import inspect
from collections.abc import Iterator

import pytest

from atelier import Client
from tests.support.http.blocking import blocking_client

CLIENTS = {"Client": Client, "AsyncClient": blocking_client}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    asked = inspect.signature(metafunc.function).parameters
    if "client" in asked:
        kinds = ["Client"] if "url" in asked else list(CLIENTS)  # who asks for both tests a command
        metafunc.parametrize("client", kinds, indirect=True)


@pytest.fixture
def client(request: pytest.FixtureRequest, url: str) -> Iterator[Client]:
    with CLIENTS[request.param](url, timeout_seconds=10) as running:
        yield running
