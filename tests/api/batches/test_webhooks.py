"""A batch that tells somebody when it is done."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.network_settings import WebhookSettings
from shared.settings import Settings
from tests.support.http.receiver import Receiver
from tests.support.jobs.batches import run_all
from tests.support.jobs.fake_worker import FakeWorker
from worker.webhooks.dispatcher import Dispatcher

DIGIT = {"type": "generate", "digit": 3}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook": WebhookSettings(allow_private="true")})


def submit(client: FlaskClient, url: str, **webhook: Any) -> dict[str, Any]:
    answer = client.post("/v1/batches", json={"items": [DIGIT] * 2, "webhook": {"url": url, **webhook}})
    assert answer.status_code == 202, answer.json
    batch: dict[str, Any] = answer.json
    return batch


def test_the_end_of_a_batch_is_told_once(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    batch = submit(client, told.url)
    run_all(client, worker, batch, failing={1})
    dispatcher.run()
    dispatcher.run()
    (request,) = told.received
    assert request.event["type"] == "batch.completed"
    assert request.event["timestamp"] == request.event["data"]["completed_at"]
    assert request.event["data"] == client.get(batch["urls"]["self"]).json
    (delivery,) = client.get(f"/v1/webhooks/deliveries?batch={batch['id']}").json["data"]
    assert (delivery["status"], delivery["batch"], delivery["job"]) == ("delivered", batch["id"], None)
    assert delivery["urls"]["batch"] == batch["urls"]["self"]


def test_a_batch_that_failed_as_a_whole_is_told_so(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    batch = submit(client, told.url)
    run_all(client, worker, batch, failing=set(range(batch["counts"]["total"])))
    dispatcher.run()
    (request,) = told.received
    assert (request.event["type"], request.event["data"]["status"]) == ("batch.failed", "failed")


def test_a_batch_that_its_brake_paused_is_told_so(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    items = [{"type": "generate", "seeds": [1]}] * 3
    body = {"items": items, "stop_when": {"failed": 1}, "webhook": {"url": told.url}}
    run_all(client, worker, client.post("/v1/batches", json=body).json, failing={0}, most=1)
    dispatcher.run()
    (request,) = told.received
    assert (request.event["type"], request.event["data"]["status"]) == ("batch.paused", "paused")
    assert request.event["timestamp"] == request.event["data"]["stopped_at"]


def test_a_batch_whose_sample_is_done_is_told_so(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    body = {"items": [DIGIT] * 3, "sample": 2, "webhook": {"url": told.url}}
    run_all(client, worker, client.post("/v1/batches", json=body).json, most=2)
    dispatcher.run()
    (request,) = told.received
    assert (request.event["type"], request.event["data"]["stopped_by"]) == ("batch.paused", "sample")
    assert request.event["data"]["urls"]["contact_sheet"].endswith("/contact-sheet")


def test_only_the_events_that_are_wanted_are_told(
    client: FlaskClient, dispatcher: Dispatcher, told: Receiver
) -> None:
    client.post(submit(client, told.url, events=["batch.completed"])["urls"]["cancel"])
    client.post(submit(client, told.url)["urls"]["cancel"])
    dispatcher.run()
    assert [request.event["type"] for request in told.received] == ["batch.canceled"]


def test_lines_may_name_a_webhook_in_the_query(client: FlaskClient, told: Receiver) -> None:
    query = {"webhook": f'{{"url": "{told.url}"}}'}
    line = b'{"type":"generate"}'
    batch = client.post("/v1/batches", data=line, content_type="application/jsonl", query_string=query).json
    client.post(batch["urls"]["cancel"])
    assert len(client.get(f"/v1/webhooks/deliveries?batch={batch['id']}").json["data"]) == 1


def test_an_address_that_may_not_be_told_is_refused(client: FlaskClient) -> None:
    hidden = {"items": [DIGIT], "webhook": {"url": "http://169.254.169.254/"}}
    response = client.post("/v1/batches", json=hidden)
    assert (response.status_code, [fault["pointer"] for fault in response.json["errors"]]) == (
        422,
        ["/webhook/url"],
    )
    assert client.get("/v1/batches").json["data"] == []
