"""A real API on loopback, trouble on the way to it, and a worker that drives the store."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from api.app import create_app
from api.services import Services, build_services
from atelier.client.client import Client
from atelier.local.redis_server import EmbeddedServer
from shared.actions.runner import ActionRunner
from shared.identifiers import ANONYMOUS
from shared.jobs.listing import JobFilter
from shared.jobs.status import Status
from shared.network_settings import ApiSettings, FetchSettings, WebhookSettings
from shared.redis.client import Client as RedisClient
from shared.setting_groups import JobRules
from shared.settings import Settings
from tests.support.http.trouble import Trouble
from tests.support.jobs.batch_worker import BatchWorker
from tests.support.jobs.fake_worker import FakeWorker


@pytest.fixture
def public_url() -> str:
    """The address that the API's responses name; empty: that of the request."""
    return ""


@pytest.fixture
def services(
    server: EmbeddedServer, redis_client: RedisClient, tmp_path: Path, rules: JobRules, public_url: str
) -> Iterator[Services]:
    """The API's parts over an empty server."""
    api = ApiSettings(max_wait_seconds=5, threads=8, public_url=public_url)
    webhook = WebhookSettings(allow_private="true")  # receivers of the tests are on this machine
    fetch = FetchSettings(allow_private=True)  # so are pictures
    settings = Settings(
        redis_url=server.url, state_dir=tmp_path, jobs=rules, api=api, webhook=webhook, fetch=fetch
    )
    built = build_services(settings)
    yield built
    built.store.client.close()


@pytest.fixture
def empty(tmp_path: Path, rules: JobRules) -> Iterator[Services]:
    """The parts of a fresh installation, on a server and a storage of its own."""
    (tmp_path / "fresh").mkdir()
    with EmbeddedServer(tmp_path / "fresh" / "redis") as server:
        services = build_services(Settings(redis_url=server.url, state_dir=tmp_path / "fresh", jobs=rules))
        yield services
        services.store.client.close()


@pytest.fixture
def trouble(services: Services) -> Trouble:
    """The application, with what is to go wrong on the way to it."""
    return Trouble(create_app(services))


@pytest.fixture
def url(trouble: Trouble) -> Iterator[str]:
    """Where the API answers."""
    server = make_server("127.0.0.1", 0, trouble, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, timeout_seconds=10) as running:
        yield running


@pytest.fixture
def worker(services: Services) -> FakeWorker:
    """A worker that does only what a test asks for."""
    return FakeWorker(services)


@pytest.fixture
def artist(services: Services) -> Iterator[BatchWorker]:
    """A worker that carries out every item of every batch as it comes."""
    worker = BatchWorker(services)
    with worker.working():
        yield worker


@pytest.fixture
def busy_worker(services: Services, worker: FakeWorker) -> Iterator[FakeWorker]:
    """A worker that carries out every job as it comes."""
    stopped = threading.Event()

    def work() -> None:
        while not stopped.wait(0.01):
            for job in services.queries.page(ANONYMOUS, JobFilter(Status.QUEUED)).items:
                worker.run(job.id)

    thread = threading.Thread(target=work)
    thread.start()
    yield worker
    stopped.set()
    thread.join()


@pytest.fixture
def carried_out(services: Services) -> Iterator[None]:
    """Have bulk actions carried out, as the io worker does."""
    runner = ActionRunner(services.store, services.memory)
    runner.start()
    yield
    runner.stop()
