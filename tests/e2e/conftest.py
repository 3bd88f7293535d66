"""One real installation for all end-to-end tests: server, API, worker, io worker, supervised."""

from collections.abc import Iterator

import pytest

from atelier.client.client import Client
from atelier.local.stack import RunningStack
from tests.support.images import pictures


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    environ = {"ATELIER_JOBS_LEASE_SECONDS": "3", "ATELIER_WEBHOOK_ALLOW_PRIVATE": "true"}
    with RunningStack(tmp_path_factory.mktemp("e2e"), environ=environ) as running:
        yield running


@pytest.fixture
def client(stack: RunningStack) -> Iterator[Client]:
    with stack.client() as running:
        yield running


@pytest.fixture(scope="session")
def style() -> bytes:
    return pictures.png(256, 256)
