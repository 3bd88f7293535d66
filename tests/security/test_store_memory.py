"""The job store's memory has a ceiling, and new work leaves a fifth of it to what is accepted already."""

import io
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.services import Services
from shared.errors import StoreFull
from shared.redis.client import Client
from tests.support.images import pictures
from tests.support.jobs.fake_worker import FakeWorker

DRAWING = {"type": "generate", "seed": 7}
BATCH = {"items": [DRAWING]}


@pytest.fixture
def no_reading_stays(services: Services) -> None:
    services.memory.known.seconds = 0


@pytest.fixture
def nearly_full(redis_client: Client, no_reading_stays: None) -> Iterator[Callable[[], None]]:
    """Let the server have a tenth more memory than it uses."""

    def fill() -> None:
        redis_client.config_set("maxmemory", redis_client.info("memory")["used_memory"] * 11 // 10)

    yield fill
    redis_client.config_set("maxmemory", 0)


def upload(client: FlaskClient, height: int) -> TestResponse:
    picture = (io.BytesIO(pictures.png(16, height)), "p.png")
    return client.post("/v1/files", data={"file": picture}, content_type="multipart/form-data")


def stylize(client: FlaskClient, height: int) -> TestResponse:
    form = {name: (io.BytesIO(pictures.png(64, height)), "p.png") for name in ("content", "style")}
    return client.post("/v1/jobs/stylize", data=form, content_type="multipart/form-data")


def test_new_work_of_every_kind_is_refused_while_the_store_is_nearly_full(
    client: FlaskClient, nearly_full: Callable[[], None], worker: FakeWorker, redis_client: Client
) -> None:
    file = upload(client, 16).json["id"]
    failed = client.post("/v1/jobs", json=DRAWING).json["id"]
    worker.fail(worker.claim(failed))
    batch = client.post("/v1/batches", json={"open": True}).json["id"]
    nearly_full()
    asked = {
        "job": lambda: client.post("/v1/jobs", json=DRAWING),
        "job by id": lambda: client.put("/v1/jobs/mine", json=DRAWING),
        "form": lambda: client.post("/v1/jobs/generate", data={"seed": "1"}),
        "form with pictures": lambda: stylize(client, 64),
        "upload": lambda: upload(client, 17),
        "batch": lambda: client.post("/v1/batches", json=BATCH),
        "items": lambda: client.post(f"/v1/batches/{batch}/items?first=0", json=BATCH),
        "style": lambda: client.post("/v1/styles", json={"name": "waves", "image": file}),
        "retry": lambda: client.post(f"/v1/jobs/{failed}/retry"),
        "retry of items": lambda: client.post(f"/v1/batches/{batch}/retry-failed"),
    }
    before = redis_client.dbsize()
    for name, ask in asked.items():
        answer = ask()
        assert (name, answer.status_code, answer.json["code"]) == (name, 503, "store_full")
        assert "memory is nearly full" in answer.json["detail"]
        assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert redis_client.dbsize() == before


def test_reading_canceling_and_deleting_go_on_while_the_store_is_nearly_full(
    client: FlaskClient, nearly_full: Callable[[], None]
) -> None:
    job = client.post("/v1/jobs", json=DRAWING).json["id"]
    batch = client.post("/v1/batches", json=BATCH).json["id"]
    file = upload(client, 16).json["id"]
    nearly_full()
    assert client.get(f"/v1/jobs/{job}").status_code == 200
    assert client.get("/v1/jobs").status_code == 200
    assert client.post(f"/v1/jobs/{job}/cancel").status_code == 200
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    assert client.post(f"/v1/batches/{batch}/cancel").status_code == 200
    assert client.delete(f"/v1/batches/{batch}").status_code == 204
    assert client.delete(f"/v1/files/{file}").status_code == 204


def test_a_repeated_request_is_answered_while_the_store_is_nearly_full(
    client: FlaskClient, nearly_full: Callable[[], None]
) -> None:
    key = {"Idempotency-Key": "once"}
    first = client.post("/v1/jobs", json=DRAWING, headers=key)
    nearly_full()
    assert client.post("/v1/jobs", json=DRAWING, headers=key).json["id"] == first.json["id"]


def test_a_submission_costs_no_round_trip_more(services: Services, redis_client: Client) -> None:
    def asked() -> int:
        return int(redis_client.info("commandstats").get("cmdstat_info", {}).get("calls", 0))

    services.memory.check()
    before = asked()
    for _ in range(200):
        services.memory.check(1)
    assert asked() - before <= 2  # one is the test's own, and a second may have passed


def test_what_is_accepted_counts_before_the_next_reading(services: Services, redis_client: Client) -> None:
    used = redis_client.info("memory")["used_memory"]
    redis_client.config_set("maxmemory", used * 2)
    allowed = used * 6 // 10
    try:
        services.memory.check(allowed // 2)
        with pytest.raises(StoreFull, match="more are asked for"):
            services.memory.check(allowed // 2 + used // 10)
    finally:
        redis_client.config_set("maxmemory", 0)
