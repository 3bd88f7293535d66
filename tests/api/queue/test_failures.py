"""/v1/failures, and the failures of a batch: counted by code, with an example and what to do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.errors import AtelierError, OutOfMemory
from shared.identifiers import ANONYMOUS
from shared.jobs.failures import KEPT_HOURS
from tests.support.jobs.fake_worker import FakeWorker

GENERATE = {"type": "generate", "seeds": [1]}


def submitted(client: FlaskClient) -> str:
    return str(client.post("/v1/jobs", json=GENERATE).json["id"])


def failed(client: FlaskClient, worker: FakeWorker, error: AtelierError | None = None) -> str:
    job_id = submitted(client)
    worker.fail(worker.claim(job_id), error)
    return job_id


def failures(client: FlaskClient, **query: str) -> list[dict[str, Any]]:
    response = client.get("/v1/failures", query_string=query)
    assert response.status_code == 200, response.json
    return list(response.json["data"])


def batch_of(client: FlaskClient, count: int) -> str:
    items = [{**GENERATE, "seeds": [number]} for number in range(count)]
    return str(client.post("/v1/batches", json={"items": items}).json["id"])


def item(batch: str, index: int) -> str:
    return f"job_{batch.removeprefix('batch_')}-{index}"


def test_failures_are_counted_by_code_with_the_latest_as_example(
    client: FlaskClient, worker: FakeWorker
) -> None:
    failed(client, worker, OutOfMemory())
    failed(client, worker)
    latest = failed(client, worker)
    first, second = failures(client)
    assert (first["code"], first["count"], first["example"]) == ("corrupt_image", 2, latest)
    assert client.get(first["example_url"]).json["error"]["code"] == "corrupt_image"
    assert (first["retryable"], second["retryable"]) == (False, True)
    assert "send another" in first["hint"]
    assert (second["code"], second["count"]) == ("out_of_memory", 1)


def test_what_succeeded_or_was_canceled_is_no_failure(client: FlaskClient, worker: FakeWorker) -> None:
    worker.run(submitted(client))
    client.post(f"/v1/jobs/{submitted(client)}/cancel")
    assert failures(client) == []


def test_a_deadline_that_passed_is_one(client: FlaskClient, services: Services) -> None:
    job_id = client.post("/v1/jobs", json={**GENERATE, "deadline_seconds": 1}).json["id"]
    key = services.store.scripts.keys("deadlines")
    services.store.client.zadd(key, {job_id: 1})
    services.store.reap()
    assert [(f["code"], f["count"], f["example"]) for f in failures(client)] == [
        ("deadline_exceeded", 1, job_id)
    ]


def test_since_reaches_back_by_the_hour(client: FlaskClient, worker: FakeWorker, services: Services) -> None:
    failed(client, worker)
    key = services.store.scripts.keys("failures", ANONYMOUS, "*")
    (name,) = services.store.client.keys(key)
    hour = int(name.rpartition(":")[2])
    services.store.client.rename(name, name.replace(str(hour), str(hour - 30)))
    now = datetime.now(UTC)
    assert failures(client) == []
    assert len(failures(client, since=(now - timedelta(hours=30)).isoformat())) == 1
    assert failures(client, since=(now - timedelta(hours=28)).isoformat()) == []
    response = client.get("/v1/failures", query_string={"since": (now - timedelta(days=900)).isoformat()})
    since = datetime.fromisoformat(response.json["since"])
    assert timedelta(hours=KEPT_HOURS) <= now - since < timedelta(hours=KEPT_HOURS + 2)


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01T00:00:00", ""])
def test_a_time_that_is_none_is_a_422(client: FlaskClient, since: str) -> None:
    response = client.get("/v1/failures", query_string={"since": since})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/since")


def test_a_batch_says_how_its_items_failed_and_a_retry_takes_that_back(
    client: FlaskClient, worker: FakeWorker
) -> None:
    batch = batch_of(client, 4)
    for index, error in enumerate([OutOfMemory(), None, None]):
        worker.fail(worker.claim(item(batch, index)), error)
    worker.run(item(batch, 3))
    body = client.get(f"/v1/batches/{batch}").json
    assert [(f["code"], f["count"]) for f in body["failures"]] == [("corrupt_image", 2), ("out_of_memory", 1)]
    assert sum(f["count"] for f in body["failures"]) == body["counts"]["failed"]
    assert body["failures"][0]["example"] == item(batch, 2)
    client.post(f"/v1/jobs/{item(batch, 0)}/retry")
    body = client.get(f"/v1/batches/{batch}").json
    assert [(f["code"], f["count"]) for f in body["failures"]] == [("corrupt_image", 2)]
    client.post(f"/v1/batches/{batch}/retry-failed")
    assert client.get(f"/v1/batches/{batch}").json["failures"] == []
    assert sum(f["count"] for f in failures(client)) == 3, "what happened stays counted"
