"""`stop_when`: a batch of which too much goes wrong pauses, says so, and goes on when it is told to."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from tests.support.jobs.batches import run_all
from tests.support.jobs.fake_worker import FakeWorker

DIGIT = {"type": "generate", "seeds": [1]}


def submit(client: FlaskClient, stop_when: dict[str, Any], count: int = 20) -> dict[str, Any]:
    response = client.post("/v1/batches", json={"items": [DIGIT] * count, "stop_when": stop_when})
    assert response.status_code == 202, response.json
    return dict(response.json)


def state(client: FlaskClient, batch: dict[str, Any]) -> dict[str, Any]:
    return dict(client.get(batch["urls"]["self"]).json)


def test_so_many_failures_pause_a_batch(client: FlaskClient, worker: FakeWorker, services: Services) -> None:
    batch = submit(client, {"failed": 3})
    run_all(client, worker, batch, failing={0, 2}, most=4)
    assert (state(client, batch)["status"], state(client, batch)["stopped_at"]) == ("running", None)
    run_all(client, worker, batch, failing={4}, most=1)
    stopped = state(client, batch)
    assert (stopped["status"], stopped["counts"]["failed"], stopped["counts"]["queued"]) == ("paused", 3, 15)
    assert stopped["stopped_at"] is not None
    assert services.store.claim_next("w") == []


def test_a_share_counts_after_enough_items(client: FlaskClient, worker: FakeWorker) -> None:
    batch = submit(client, {"share": 0.5, "after": 6})
    run_all(client, worker, batch, failing={0, 1, 2}, most=5)
    assert state(client, batch)["status"] == "running"
    run_all(client, worker, batch, failing=set(range(20)), most=1)
    assert state(client, batch)["status"] == "paused"


def test_what_went_wrong_before_does_not_count_again(client: FlaskClient, worker: FakeWorker) -> None:
    batch = submit(client, {"failed": 2})
    run_all(client, worker, batch, failing={0, 1}, most=2)
    assert client.post(batch["urls"]["resume"]).json["stopped_at"] is None
    run_all(client, worker, batch, failing={2}, most=1)
    assert state(client, batch)["status"] == "running"
    run_all(client, worker, batch, failing={3}, most=1)
    assert state(client, batch)["status"] == "paused"


def test_trying_the_failed_items_again_goes_on(client: FlaskClient, worker: FakeWorker) -> None:
    batch = submit(client, {"failed": 2})
    run_all(client, worker, batch, failing={0, 1}, most=2)
    assert client.post(batch["urls"]["retry_failed"]).json["count"] == 2
    again = state(client, batch)
    assert (again["status"], again["counts"]["failed"], again["stopped_at"]) == ("running", 0, None)
    run_all(client, worker, batch)
    assert state(client, batch)["counts"]["succeeded"] == 20


def test_the_last_item_ends_the_batch_and_pauses_nothing(client: FlaskClient, worker: FakeWorker) -> None:
    batch = submit(client, {"failed": 2}, count=2)
    run_all(client, worker, batch, failing={0, 1})
    assert state(client, batch)["status"] == "failed"


def test_a_batch_that_was_paused_by_hand_is_not_stopped(client: FlaskClient) -> None:
    batch = submit(client, {"failed": 1})
    assert client.post(batch["urls"]["pause"]).json["stopped_at"] is None


@pytest.mark.parametrize(
    ("stop_when", "pointer"),
    [
        ({}, "/stop_when"),
        ({"after": 3}, "/stop_when"),
        ({"failed": 0}, "/stop_when/failed"),
        ({"failed": 1.5}, "/stop_when/failed"),
        ({"share": 0}, "/stop_when/share"),
        ({"share": 1.1}, "/stop_when/share"),
        ({"share": 0.5, "after": 0}, "/stop_when/after"),
        ({"failed": 1, "when": 2}, "/stop_when/when"),
    ],
)
def test_a_brake_that_is_none_is_a_422(client: FlaskClient, stop_when: dict[str, Any], pointer: str) -> None:
    response = client.post("/v1/batches", json={"items": [DIGIT], "stop_when": stop_when})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, pointer)
