"""POST /v1/jobs/{id}/cancel and /retry, DELETE /v1/jobs/{id}."""

from flask.testing import FlaskClient

from shared.identifiers import ANONYMOUS
from shared.job_store import JobStore
from tests.support.fake_worker import FakeWorker


def submit(client: FlaskClient) -> str:
    return str(client.post("/v1/jobs", json={"type": "generate"}).json["id"])


def test_a_queued_job_is_canceled_at_once(client: FlaskClient) -> None:
    job_id = submit(client)
    response = client.post(f"/v1/jobs/{job_id}/cancel")
    assert (response.status_code, response.json["status"]) == (200, "canceled")
    assert client.post(f"/v1/jobs/{job_id}/cancel").status_code == 200


def test_a_finished_job_cannot_be_canceled(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = submit(client)
    worker.run(job_id)
    response = client.post(f"/v1/jobs/{job_id}/cancel")
    assert (response.status_code, response.json["code"]) == (409, "job_state_conflict")
    assert "succeeded" in response.json["detail"]


def test_a_failed_job_is_retried_as_a_new_one(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = submit(client)
    worker.fail(worker.claim(job_id))
    response = client.post(f"/v1/jobs/{job_id}/retry")
    assert (response.status_code, response.json["retried_from"]) == (202, job_id)
    assert response.headers["Location"].endswith(response.json["id"])
    assert response.json["id"] != job_id
    assert response.json["input"] == client.get(f"/v1/jobs/{job_id}").json["input"]


def test_a_retry_with_a_key_is_made_once(client: FlaskClient) -> None:
    job_id = submit(client)
    client.post(f"/v1/jobs/{job_id}/cancel")
    headers = {"Idempotency-Key": "again"}
    first = client.post(f"/v1/jobs/{job_id}/retry", headers=headers)
    assert client.post(f"/v1/jobs/{job_id}/retry", headers=headers).json["id"] == first.json["id"]


def test_only_what_ended_badly_is_retried(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = submit(client)
    assert client.post(f"/v1/jobs/{job_id}/retry").status_code == 409
    worker.run(job_id)
    assert client.post(f"/v1/jobs/{job_id}/retry").json["code"] == "job_state_conflict"


def test_a_finished_job_is_forgotten_on_demand(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = submit(client)
    worker.run(job_id)
    assert client.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert client.get(f"/v1/jobs/{job_id}").status_code == 410
    assert client.delete(f"/v1/jobs/{job_id}").status_code == 410


def test_an_unfinished_job_is_not_forgotten(client: FlaskClient, store: JobStore) -> None:
    job_id = submit(client)
    response = client.delete(f"/v1/jobs/{job_id}")
    assert (response.status_code, response.json["code"]) == (409, "job_state_conflict")
    assert store.get(job_id, ANONYMOUS).id == job_id


def test_a_job_that_is_not_there_cannot_be_moved(client: FlaskClient) -> None:
    for move in ("cancel", "retry"):
        assert client.post(f"/v1/jobs/job_0/{move}").json["code"] == "job_not_found"
    assert client.delete("/v1/jobs/job_0").status_code == 404
