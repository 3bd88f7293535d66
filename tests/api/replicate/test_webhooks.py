"""Webhooks of predictions: what comes, when, and how it is signed."""

import json

import pytest
from flask.testing import FlaskClient
from standardwebhooks.webhooks import Webhook

from api.services import Services
from shared.access.key import DEFAULT_SCOPES, Scope
from shared.access.store import KeyStore
from shared.network_settings import WebhookSettings
from shared.settings import Settings
from tests.api.replicate.conftest import HOME, Create
from tests.support.http.receiver import Receiver
from tests.support.jobs.fake_worker import FakeWorker
from worker.webhooks.dispatcher import Dispatcher

SECRET = f"{HOME}/webhooks/default/secret"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook": WebhookSettings(allow_private="true")})


def test_what_comes_is_the_prediction_with_addresses_and_a_signature(
    create: Create, client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    made = create({"seed": 7, "output_encoding": "url"}, webhook=told.url).json
    worker.run(made["id"])
    dispatcher.run()
    (request,) = told.received
    assert request.event == client.get(f"{HOME}/predictions/{made['id']}").json
    Webhook(client.get(SECRET).json["key"]).verify(request.body, request.headers)


def test_no_picture_is_in_a_webhook(
    create: Create, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    worker.run(create({"seed": 7, "output_encoding": "data"}, webhook=told.url).json["id"])
    dispatcher.run()
    assert told.received[0].event["output"][0].startswith("http://localhost/v1/jobs/")


@pytest.mark.parametrize(
    ("asked", "statuses"),
    [
        ({}, ["succeeded"]),
        ({"webhook_events_filter": ["start", "completed"]}, ["processing", "succeeded"]),
        ({"webhook_events_filter": ["start"]}, ["processing"]),
        ({"webhook_events_filter": ["output", "logs"]}, ["succeeded"]),
        ({"webhook_events_filter": []}, ["succeeded"]),
    ],
)
def test_the_filter_says_what_is_told(
    create: Create,
    worker: FakeWorker,
    dispatcher: Dispatcher,
    told: Receiver,
    asked: dict[str, list[str]],
    statuses: list[str],
) -> None:
    job = worker.claim(create(webhook=told.url, **asked).json["id"])
    dispatcher.run()
    worker.succeed(job)
    dispatcher.run()
    assert [request.event["status"] for request in told.received] == statuses


@pytest.mark.parametrize(("events", "count"), [(["output"], 0), (["completed"], 1)])
def test_a_failure_completes_a_prediction_without_output(
    create: Create, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver, events: list[str], count: int
) -> None:
    worker.fail(worker.claim(create(webhook=told.url, webhook_events_filter=events).json["id"]))
    dispatcher.run()
    assert [request.event["status"] for request in told.received] == ["failed"] * count


def test_the_old_name_tells_of_the_end(
    create: Create, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    worker.run(create(webhook_completed=told.url).json["id"])
    dispatcher.run()
    assert [request.event["status"] for request in told.received] == ["succeeded"]


def test_a_retried_prediction_is_told_of_as_a_prediction(
    create: Create, client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    made = create(webhook=told.url).json
    worker.fail(worker.claim(made["id"]))
    again = client.post(f"/v1/jobs/{made['id']}/retry").json
    worker.run(again["id"])
    dispatcher.run()
    assert {request.event["id"] for request in told.received} == {made["id"], again["id"]}


def test_a_native_job_may_be_told_of_as_a_prediction(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    webhook = {"url": told.url, "body": "prediction"}
    job = client.post("/v1/jobs", json={"type": "generate", "seed": 7, "webhook": webhook}).json
    worker.run(job["id"])
    dispatcher.run()
    assert told.received[0].event["model"] == "atelier/mnist-dcgan"


def test_people_are_told_of_the_event_alone(client: FlaskClient) -> None:
    webhook = {"url": "https://ntfy.sh/prints", "template": "ntfy", "body": "prediction"}
    response = client.post("/v1/jobs", json={"type": "generate", "seed": 7, "webhook": webhook})
    assert response.status_code == 422
    (fault,) = response.json["errors"]
    assert (fault["pointer"], "must be event" in fault["detail"]) == ("/webhook/body", True)


def test_another_body_is_another_request(client: FlaskClient, told: Receiver) -> None:
    answers = [
        client.post(
            "/v1/jobs",
            json={"type": "generate", "seed": 7, "webhook": {"url": told.url, **body}},
            headers={"Idempotency-Key": "one"},
        )
        for body in ({}, {"body": "event"}, {"body": "prediction"})
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 422]


def test_older_workers_can_read_the_record(create: Create, services: Services, told: Receiver) -> None:
    made = create(webhook=told.url).json
    record = services.store.client.hgetall(f"atelier:job:{made['id']}")
    assert json.loads(record["spec"])["webhook"].keys() == {"url", "events"}
    assert json.loads(record["webhook"])["body"] == "prediction"


def test_the_secret_can_be_split_as_the_python_client_does(client: FlaskClient) -> None:
    response = client.get(SECRET)
    assert len(response.json["key"].split("_")) == 2
    assert response.headers["Cache-Control"] == "no-store"


def test_with_keys_an_admin_alone_is_shown_the_secret(client: FlaskClient, services: Services) -> None:
    keys = KeyStore(services.store.scripts)
    made = [keys.create("a key", owner="anna", scopes=of)[1] for of in (DEFAULT_SCOPES, {Scope.ADMIN})]
    answers = [client.get(SECRET, headers={"Authorization": f"Bearer {key}"}) for key in made]
    assert [answer.status_code for answer in answers] == [403, 200]
