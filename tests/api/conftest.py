"""Fixtures of the API's tests: an application over a real server and real storage, and a worker to drive."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from api.app import create_app
from api.services import Services, make_fetcher
from atelier.local.redis_server import EmbeddedServer
from shared.batches.store import BatchStore
from shared.cards.card import load_catalog
from shared.files.file_store import FileStore
from shared.files.style_library import StyleLibrary
from shared.jobs.queries import JobQueries
from shared.jobs.store import JobStore
from shared.network_settings import ApiSettings
from shared.owners.quota import QuotaStore
from shared.queue.celery_app import make_celery
from shared.queue.job_queue import JobQueue
from shared.recipes.store import RecipeStore
from shared.redis.memory_guard import MemoryGuard
from shared.rollouts.store import RolloutStore
from shared.setting_groups import JobRules, Limits
from shared.settings import Settings
from shared.storage.base import ObjectStore
from shared.storage.disk_guard import open_disk_guard
from shared.workers import WorkerRoster
from tests.support.http.openapi_client import CheckedClient
from tests.support.http.receiver import Receiver, receiver
from tests.support.jobs.fake_worker import FakeWorker
from worker.webhooks.dispatcher import Dispatcher, dispatcher_of
from worker.webhooks.sender import DeliveryRules


@pytest.fixture
def settings(server: EmbeddedServer, tmp_path: Path, rules: JobRules) -> Settings:
    return Settings(
        redis_url=server.url,
        state_dir=tmp_path,
        jobs=rules,
        limits=Limits(max_body_mebibytes=2),
        api=ApiSettings(max_wait_seconds=5, listeners=6),
    )


@pytest.fixture
def services(settings: Settings, store: JobStore, objects: ObjectStore) -> Iterator[Services]:
    celery = make_celery(settings)
    memory = MemoryGuard(store.client)
    yield Services(
        settings=settings,
        catalog=load_catalog(settings.cards),
        store=store,
        batches=BatchStore(store, settings.batches),
        queries=JobQueries(store),
        files=FileStore(store.client, objects, memory=memory),
        styles=StyleLibrary(store.client),
        recipes=RecipeStore(store.scripts, settings.recipes),
        rollouts=RolloutStore(store.scripts),
        quotas=QuotaStore(store.scripts, settings.quota),
        objects=objects,
        disk=open_disk_guard(settings, objects),
        memory=memory,
        queue=JobQueue(celery, store.client),
        roster=WorkerRoster(store.client),
        fetcher=make_fetcher(settings),
    )
    celery.close()


@pytest.fixture
def app(services: Services) -> Flask:
    app = create_app(services)
    app.test_client_class = CheckedClient
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def worker(services: Services) -> FakeWorker:
    return FakeWorker(services)


@pytest.fixture
def live(app: Flask) -> Iterator[httpx.Client]:
    """A client of the application behind real sockets."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", timeout=20) as http:
        yield http
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def told() -> Iterator[Receiver]:
    """Somebody whom webhooks tell."""
    with receiver() as running:
        yield running


@pytest.fixture
def dispatcher(services: Services) -> Dispatcher:
    """What sends webhooks; it tries again after a minute, so never within a test."""
    return dispatcher_of(services.store, services.settings, DeliveryRules(pauses_seconds=(60.0,) * 9))
