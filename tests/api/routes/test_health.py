"""/healthz and /readyz."""

import shutil
from pathlib import Path

from flask.testing import FlaskClient

from api.app import create_app
from api.services import SERVICES, Services, build_services
from shared.settings import Settings
from shared.workers import LoadedModel, Worker
from tests.support.jobs.fake_worker import FakeWorker


def test_the_process_answers(client: FlaskClient) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json["status"]) == (200, "ok")


def test_the_service_is_ready_with_a_worker_that_has_the_default_models(
    client: FlaskClient, worker: FakeWorker
) -> None:
    worker.announce("mnist-dcgan", "magenta-mobile")
    response = client.get("/readyz")
    assert (response.status_code, response.json["status"]) == (200, "ready")


def test_without_a_worker_it_is_not_ready(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json["code"]) == (503, "not_ready")
    assert response.json["errors"][0]["code"] == "no_worker"
    assert response.headers["Retry-After"]


def test_a_worker_without_the_models_is_not_enough(client: FlaskClient, worker: FakeWorker) -> None:
    worker.announce("mnist-dcgan")
    assert client.get("/readyz").json["errors"][0]["code"] == "models_not_loaded"


def test_a_lane_that_nobody_serves_is_told(client: FlaskClient, services: Services) -> None:
    models = tuple(LoadedModel(name, "1", "d" * 64) for name in ("mnist-dcgan", "magenta-mobile"))
    services.roster.announce(Worker("w1", 4, models, lane="interactive"))
    (error,) = client.get("/readyz").json["errors"]
    assert (error["code"], error["detail"]) == ("no_worker", "no worker serves the lane bulk")
    services.roster.announce(Worker("w2", 4, models, lane="bulk"))
    assert client.get("/readyz").status_code == 200


def test_without_the_job_store_it_is_not_ready_but_alive(tmp_path: Path) -> None:
    services = build_services(Settings(redis_url=f"unix://{tmp_path}/nobody.sock", state_dir=tmp_path))
    client = create_app(services).test_client()
    response = client.get("/readyz")
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (503, "/store")
    assert client.get("/healthz").status_code == 200


def test_a_job_store_that_takes_no_writes_is_not_ready(client: FlaskClient, worker: FakeWorker) -> None:
    worker.announce("mnist-dcgan", "magenta-mobile")
    server = client.application.extensions[SERVICES].store.client
    server.config_set("maxmemory", "1")
    try:
        response = client.get("/readyz")
    finally:
        server.config_set("maxmemory", "0")
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (503, "/store")
    assert client.get("/readyz").status_code == 200


def test_without_storage_it_is_not_ready(client: FlaskClient, worker: FakeWorker, tmp_path: Path) -> None:
    worker.announce("mnist-dcgan", "magenta-mobile")
    shutil.rmtree(tmp_path / "storage")
    response = client.get("/readyz")
    assert response.json["errors"][0]["pointer"] == "/storage"
