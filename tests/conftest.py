"""Fixtures that all rooms share: a real server, real storage, one store."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from atelier.local.redis_server import EmbeddedServer
from shared.files.file_store import FileStore
from shared.jobs.queries import JobQueries
from shared.jobs.store import JobStore
from shared.redis.client import Client, connect
from shared.setting_groups import JobRules
from shared.storage.base import ObjectStore
from shared.storage.object_store import open_object_store
from tests.support.servers import chosen

# A shell that runs the tests in its background has them and all that they start ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

chosen.choose_server()

# Examples are judged by what they show; how long one takes says how busy the machine is. They are the same in
# each run, so that a tree passes or fails by what is in it; --hypothesis-profile=explore looks for new ones.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def session_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """The one server of this process of tests; ask for `server` or `module_server`, which are empty."""
    with EmbeddedServer(tmp_path_factory.mktemp("server")) as running:
        chosen.choose_user(running)
        yield running


@pytest.fixture(scope="module")
def module_server(session_server: EmbeddedServer) -> EmbeddedServer:
    """A server that is empty when the first test of a module begins."""
    return emptied(session_server)


@pytest.fixture
def server(session_server: EmbeddedServer) -> EmbeddedServer:
    """A server that is empty when the test begins."""
    return emptied(session_server)


def emptied(server: EmbeddedServer) -> EmbeddedServer:
    with connect(chosen.admin_url(server)) as client:
        client.flushall()
    return server


@pytest.fixture
def redis_client(server: EmbeddedServer) -> Iterator[Client]:
    with connect(server.url) as client:
        yield client


@pytest.fixture
def rules() -> JobRules:
    return JobRules(lease_seconds=0.5, ring_seconds=0.1, backoff_seconds=0)


@pytest.fixture
def store(redis_client: Client, rules: JobRules) -> JobStore:
    return JobStore(redis_client, rules)


@pytest.fixture
def queries(store: JobStore) -> JobQueries:
    return JobQueries(store)


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return open_object_store((tmp_path / "storage").as_uri())


@pytest.fixture
def files(redis_client: Client, objects: ObjectStore) -> FileStore:
    return FileStore(redis_client, objects)
