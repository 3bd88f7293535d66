import dataclasses
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.app import create_app
from api.services import Services
from shared.identifiers import ANONYMOUS
from shared.network_settings import ApiSettings, WebhookSettings
from shared.settings import Settings
from shared.signing_secret import new_secret
from tests.support.http.openapi_client import CheckedClient
from tests.support.http.receiver import Receiver
from tests.support.jobs.fake_worker import FakeWorker
from worker.webhooks.dispatcher import Dispatcher, dispatcher_of


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook": WebhookSettings(allow_private="true")})


def client_with(services: Services, **settings: Any) -> FlaskClient:
    """Return a client of the application under other settings."""
    changed = services.settings.model_copy(update=settings)
    app = create_app(dataclasses.replace(services, settings=changed))
    app.test_client_class = CheckedClient
    return app.test_client()


def submit(client: FlaskClient, url: str, **webhook: Any) -> dict[str, Any]:
    body = {"type": "generate", "seed": 7, "webhook": {"url": url, **webhook}}
    answer = client.post("/v1/jobs", json=body)
    assert answer.status_code == 202, answer.json
    job: dict[str, Any] = answer.json
    return job


def only(client: FlaskClient, job_id: str) -> dict[str, Any]:
    (delivery,) = client.get(f"/v1/webhooks/deliveries?job={job_id}").json["data"]
    found: dict[str, Any] = delivery
    return found


def test_what_is_told_is_what_the_api_shows(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    job = submit(client, told.url)
    worker.run(job["id"])
    dispatcher.run()
    (request,) = told.received
    assert request.event["data"] == client.get(f"/v1/jobs/{job['id']}").json


def test_a_failed_jobs_error_is_told_as_the_api_shows_it(
    services: Services, worker: FakeWorker, told: Receiver
) -> None:
    client = client_with(services, api=ApiSettings(public_url="https://pictures.example/atelier"))
    job = submit(client, told.url)
    worker.fail(worker.claim(job["id"]))
    settings = services.settings.model_copy(
        update={"api": ApiSettings(public_url="https://pictures.example/atelier")}
    )
    dispatcher_of(services.store, settings).run()
    shown = client.get(f"/v1/jobs/{job['id']}").json
    assert told.received[0].event["data"] == shown
    assert shown["error"]["type"] == "/atelier/problems/corrupt_image"


def test_a_delivery_is_listed_with_its_tries(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    told.answer(500)
    job = submit(client, told.url)
    worker.run(job["id"])
    before = only(client, job["id"])
    assert (before["status"], before["tries"], before["type"]) == ("pending", [], "job.succeeded")
    dispatcher.run()
    after = only(client, job["id"])
    assert (after["status"], after["tries"][0]["status_code"]) == ("pending", 500)
    assert after["next_try_at"] > after["tries"][0]["at"]
    assert after == client.get(after["urls"]["self"]).json


def test_deliveries_are_filtered_and_paged(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    jobs = [submit(client, told.url)["id"] for _ in range(3)]
    for job_id in jobs:
        worker.run(job_id)
    dispatcher.run()
    assert client.get("/v1/webhooks/deliveries?status=pending").json["data"] == []
    first = client.get("/v1/webhooks/deliveries?status=delivered&limit=2").json
    rest = client.get(f"/v1/webhooks/deliveries?limit=2&cursor={first['next_cursor']}").json
    assert [entry["job"] for entry in first["data"] + rest["data"]] == jobs[::-1]
    assert rest["next_cursor"] is None


def test_a_jobs_deliveries_are_paged_too(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    job = submit(client, told.url, events=["job.started", "job.succeeded"])
    worker.run(job["id"])
    first = client.get(f"/v1/webhooks/deliveries?job={job['id']}&limit=1").json
    rest = client.get(f"/v1/webhooks/deliveries?job={job['id']}&limit=1&cursor={first['next_cursor']}").json
    assert [entry["type"] for entry in first["data"] + rest["data"]] == ["job.succeeded", "job.started"]


def test_redelivery_goes_out_under_the_same_id(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    told.answer(410, 200)
    job = submit(client, told.url)
    worker.run(job["id"])
    dispatcher.run()
    delivery = only(client, job["id"])
    assert (delivery["status"], delivery["next_try_at"]) == ("disabled", None)
    answer = client.post(delivery["urls"]["redeliver"])
    assert (answer.status_code, answer.json["status"]) == (202, "pending")
    dispatcher.run()
    assert only(client, job["id"])["status"] == "delivered"
    assert [request.id for request in told.received] == [delivery["id"]] * 2


def test_an_unknown_delivery_is_a_404(client: FlaskClient) -> None:
    for answer in (
        client.get("/v1/webhooks/deliveries/msg_none"),
        client.post("/v1/webhooks/deliveries/msg_none/redeliver"),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "delivery_not_found")


def test_the_secret_is_drawn_once_and_renewed_on_demand(client: FlaskClient) -> None:
    first = client.get("/v1/webhooks/secret").json
    assert first == client.get("/v1/webhooks/secret").json
    assert first["secrets"] == [first["secret"]]
    renewed = client.post("/v1/webhooks/secret/renew").json
    assert renewed["secrets"] == [renewed["secret"], first["secret"]]
    again = client.post("/v1/webhooks/secret/renew").json
    assert again["secret"] == again["secrets"][0]
    assert set(again["secrets"]) == {again["secret"], renewed["secret"], first["secret"]}


def test_a_configured_secret_is_not_renewed_here(services: Services) -> None:
    secret = new_secret()
    webhook = WebhookSettings.model_validate({"secret": secret})
    client = client_with(services, webhook=webhook)
    assert client.get("/v1/webhooks/secret").json == {"secret": secret, "secrets": [secret]}
    assert client.post("/v1/webhooks/secret/renew").json["code"] == "webhook_secret_configured"


@pytest.mark.parametrize(
    ("webhook", "pointer"),
    [
        ({"url": "ftp://a.example/"}, "/webhook/url"),
        ({"url": "http://u:p@a.example/"}, "/webhook/url"),
        ({"url": "http://a.example/" + "x" * 2048}, "/webhook/url"),
        ({"url": "http://169.254.169.254/"}, "/webhook/url"),
        ({}, "/webhook/url"),
        ({"url": "http://a.example/", "events": ["job.done"]}, "/webhook/events/0"),
        ({"url": "http://a.example/", "events": []}, "/webhook/events"),
        ({"url": "http://a.example/", "secret": "x"}, "/webhook/secret"),
    ],
)
def test_a_fault_names_its_field(client: FlaskClient, webhook: dict[str, Any], pointer: str) -> None:
    answer = client.post("/v1/jobs", json={"type": "generate", "webhook": webhook})
    assert (answer.status_code, [fault["pointer"] for fault in answer.json["errors"]]) == (422, [pointer])


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/", "http://localhost/", "http://192.168.1.1/admin"])
def test_a_private_receiver_needs_the_operators_yes(services: Services, host: str, url: str) -> None:
    inside = ApiSettings(host=host, published_host="127.0.0.1")  # as in a container
    client = client_with(services, api=inside, webhook=WebhookSettings())
    body = {"type": "generate", "webhook": {"url": url}}
    answer = client.post("/v1/jobs", json=body)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/webhook/url")
    assert "ATELIER_WEBHOOK_ALLOW_PRIVATE" in answer.json["detail"]
    allowed = client_with(services, api=inside)
    assert allowed.post("/v1/jobs", json=body).status_code == 202


def test_a_form_names_a_receiver_too(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    form = {"seed": "7", "webhook": told.url, "webhook_events": "job.started, job.failed"}
    job = client.post("/v1/jobs/generate", data=form, content_type="multipart/form-data").json
    assert job["input"]["webhook"] == {"url": told.url, "events": ["job.started", "job.failed"]}
    worker.run(job["id"])
    dispatcher.run()
    assert [request.event["type"] for request in told.received] == ["job.started"]


def test_a_forms_fault_names_its_field(client: FlaskClient) -> None:
    form = {"webhook": "ftp://a.example/"}
    answer = client.post("/v1/jobs/generate", data=form, content_type="multipart/form-data")
    assert [fault["pointer"] for fault in answer.json["errors"]] == ["/webhook"]


def test_a_retried_job_is_told_as_well(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    job = submit(client, told.url)
    worker.fail(worker.claim(job["id"]))
    again = client.post(f"/v1/jobs/{job['id']}/retry").json
    worker.run(again["id"])
    dispatcher.run()
    told_of = {request.event["data"]["id"]: request.event["type"] for request in told.received}
    assert told_of == {job["id"]: "job.failed", again["id"]: "job.succeeded"}


def test_the_store_keeps_what_is_due_though_nobody_delivers(
    client: FlaskClient, services: Services, told: Receiver
) -> None:
    job = submit(client, told.url)
    services.store.cancel(job["id"], ANONYMOUS)
    assert (only(client, job["id"])["type"], told.received) == ("job.canceled", [])


def test_the_document_describes_the_events(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert list(document["webhooks"]) == [
        "job.started",
        "job.succeeded",
        "job.failed",
        "job.canceled",
        "job.expired",
        "batch.completed",
        "batch.failed",
        "batch.canceled",
        "batch.paused",
        "action.completed",
        "action.canceled",
    ]
    assert {"JobEvent", "BatchEvent", "ActionEvent"} <= set(document["components"]["schemas"])
    OpenAPIV31SpecValidator(document).validate()
