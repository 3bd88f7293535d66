"""PUT /v1/jobs/{id}."""

import pytest
from flask.testing import FlaskClient

from tests.support.jobs.fake_worker import FakeWorker

GENERATE = {"type": "generate"}


def test_a_client_may_name_its_job(client: FlaskClient) -> None:
    response = client.put("/v1/jobs/mine-1", json=GENERATE)
    assert (response.status_code, response.json["id"]) == (202, "mine-1")


def test_a_repeated_put_is_the_same_job_with_the_same_seeds(client: FlaskClient) -> None:
    first = client.put("/v1/jobs/mine-1", json=GENERATE)
    again = client.put("/v1/jobs/mine-1", json=GENERATE)
    assert again.json["input"]["seeds"] == first.json["input"]["seeds"]


def test_another_body_under_the_same_id_is_refused(client: FlaskClient) -> None:
    client.put("/v1/jobs/mine-1", json=GENERATE)
    response = client.put("/v1/jobs/mine-1", json={**GENERATE, "seed": 1})
    assert (response.status_code, response.json["code"]) == (422, "idempotency_key_reused")
    assert response.json["errors"][0]["pointer"] == "/id"


def test_the_id_of_a_forgotten_job_is_gone(client: FlaskClient, worker: FakeWorker) -> None:
    client.put("/v1/jobs/mine-1", json=GENERATE)
    worker.run("mine-1")
    client.delete("/v1/jobs/mine-1")
    response = client.put("/v1/jobs/mine-1", json=GENERATE)
    assert (response.status_code, response.json["code"]) == (410, "job_gone")


@pytest.mark.parametrize("name", ["-first", "a.b", "x" * 65, "sp ace"])
def test_an_id_of_other_signs_is_refused(client: FlaskClient, name: str) -> None:
    response = client.put(f"/v1/jobs/{name}", json=GENERATE)
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/id")
