"""POST /v1/jobs/{id}/cancel, /requeue and /retry, DELETE /v1/jobs/{id}."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.identifiers import ANONYMOUS
from shared.jobs.status import LeaseLost
from shared.jobs.store import JobStore
from shared.queue.celery_app import queue_of
from shared.redis.client import Client
from shared.specs.parts import Lane
from tests.support.jobs.batches import run_all
from tests.support.jobs.fake_worker import FakeWorker


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


def test_a_job_is_retried_once_at_a_time(
    client: FlaskClient, worker: FakeWorker, redis_client: Client
) -> None:
    large = [[0.123456789] * 100] * 256
    job_id = client.post("/v1/jobs", json={"type": "generate", "latents": large}).json["id"]
    worker.fail(worker.claim(job_id))

    def retry(**headers: str) -> str:
        response = client.post(f"/v1/jobs/{job_id}/retry", headers=headers)
        assert response.status_code in (200, 202)
        return str(response.json["id"])

    keyed = {"Idempotency-Key": "again"}
    first = retry()
    assert {retry(), retry(), retry(**keyed)} == {first}
    assert len(redis_client.keys("atelier:job:*")) == 2
    running = worker.claim(first)
    assert retry() == first
    worker.fail(running)
    assert retry(**keyed) == first  # the same request, as it was answered
    assert retry() not in (job_id, first)


def test_only_what_ended_badly_is_retried(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = submit(client)
    assert client.post(f"/v1/jobs/{job_id}/retry").status_code == 409
    worker.run(job_id)
    assert client.post(f"/v1/jobs/{job_id}/retry").json["code"] == "job_state_conflict"


def test_a_running_job_is_taken_from_its_worker_and_rung_and_goes_before_younger_ones(
    client: FlaskClient, worker: FakeWorker, services: Services
) -> None:
    job_id = submit(client)
    running = worker.claim(job_id)
    submit(client)
    services.store.client.delete(queue_of(Lane.INTERACTIVE))
    response = client.post(f"/v1/jobs/{job_id}/requeue")
    assert (response.status_code, response.json["status"], response.json["attempt"]) == (200, "queued", 0)
    assert [attempt["outcome"] for attempt in response.json["attempts"]] == ["requeued"]
    assert services.store.client.llen(queue_of(Lane.INTERACTIVE)) == 1
    with pytest.raises(LeaseLost):
        worker.succeed(running)
    assert [(job.id, job.attempt) for job in services.store.claim_next("w2")] == [(job_id, 2)]


def test_a_finished_job_is_not_requeued(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = submit(client)
    worker.run(job_id)
    response = client.post(f"/v1/jobs/{job_id}/requeue")
    assert (response.status_code, response.json["code"]) == (409, "job_state_conflict")


def test_an_expired_job_is_retried_with_a_deadline_of_its_own(client: FlaskClient, store: JobStore) -> None:
    body = {"type": "generate", "deadline_seconds": 60}
    job_id = client.post("/v1/jobs", json=body).json["id"]
    store.client.zadd("atelier:deadlines", {job_id: 1})
    store.reap()
    old = client.get(f"/v1/jobs/{job_id}").json
    assert (old["status"], old["done"], old["error"]["code"]) == ("expired", True, "deadline_exceeded")
    assert old["expires_at"] is not None
    new = client.post(f"/v1/jobs/{job_id}/retry").json
    assert (new["status"], new["retried_from"]) == ("queued", job_id)
    assert new["deadline_at"] > old["deadline_at"]


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
    for move in ("cancel", "requeue", "retry"):
        assert client.post(f"/v1/jobs/job_0/{move}").json["code"] == "job_not_found"
    assert client.delete("/v1/jobs/job_0").status_code == 404


@pytest.fixture
def batch(client: FlaskClient, worker: FakeWorker) -> dict[str, Any]:
    """A batch of three items: the first failed, the second was canceled, the third succeeded."""
    items = [{"type": "generate", "seed": seed} for seed in range(3)]
    batch: dict[str, Any] = client.post("/v1/batches", json={"items": items}).json
    client.post(f"/v1/jobs/{item(batch, 1)}/cancel")
    run_all(client, worker, batch, failing={0})
    return batch


def item(batch: dict[str, Any], index: int) -> str:
    return f"job_{batch['id'][6:]}-{index}"


def counts(client: FlaskClient, batch: dict[str, Any]) -> dict[str, int]:
    told = client.get(batch["urls"]["self"]).json["counts"]
    return {name: count for name, count in told.items() if count and name != "total"}


@pytest.mark.parametrize("index", [0, 1])
def test_an_item_is_tried_again_in_its_place_in_the_batch(
    client: FlaskClient, batch: dict[str, Any], worker: FakeWorker, services: Services, index: int
) -> None:
    old = item(batch, index)
    services.store.client.delete("atelier.bulk")
    answer = client.post(f"/v1/jobs/{old}/retry")
    assert (answer.status_code, answer.json["id"], answer.json["retried_from"]) == (202, f"{old}-1", old)
    assert (answer.json["batch_id"], answer.json["index"]) == (batch["id"], index)
    assert answer.json["input"] == client.get(f"/v1/jobs/{old}").json["input"]
    assert counts(client, batch)["queued"] == 1
    assert services.store.client.llen("atelier.bulk") == 1
    worker.run(answer.json["id"])
    assert counts(client, batch)["succeeded"] == 2
    assert client.get(batch["urls"]["self"]).json["status"] == "completed"


def test_a_repeated_retry_of_an_item_finds_the_job_that_the_first_made(
    client: FlaskClient, batch: dict[str, Any], worker: FakeWorker
) -> None:
    first = client.post(f"/v1/jobs/{item(batch, 0)}/retry").json["id"]
    worker.fail(worker.claim(first))
    again = client.post(f"/v1/jobs/{item(batch, 0)}/retry")
    assert (again.json["id"], again.headers["Idempotency-Replayed"]) == (first, "true")
    assert counts(client, batch) == {"failed": 1, "canceled": 1, "succeeded": 1}
    assert client.post(f"/v1/jobs/{first}/retry").json["id"] == f"{item(batch, 0)}-2"


def test_an_item_that_succeeded_or_whose_batch_was_canceled_is_not_tried_again(
    client: FlaskClient, batch: dict[str, Any], worker: FakeWorker
) -> None:
    assert client.post(f"/v1/jobs/{item(batch, 2)}/retry").status_code == 409
    other = client.post("/v1/batches", json={"items": [{"type": "generate"}] * 2}).json
    run_all(client, worker, other, failing={0}, most=1)
    client.post(other["urls"]["cancel"])
    answer = client.post(f"/v1/jobs/{item(other, 0)}/retry")
    assert (answer.status_code, answer.json["code"]) == (409, "job_state_conflict")
    assert f"the batch {other['id']} is canceled" in answer.json["detail"]
    assert "`input`" in answer.json["detail"]
