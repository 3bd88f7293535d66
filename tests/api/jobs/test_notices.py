"""Webhooks with a template: notices that people read, through the same deliveries as all others."""

import dataclasses
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from api.app import create_app
from api.services import Services
from shared.actions.runner import ActionRunner
from shared.mail_settings import MailSettings
from shared.network_settings import WebhookSettings
from shared.settings import Settings
from tests.support.http.mail_server import mail_server
from tests.support.http.receiver import Receiver
from tests.support.jobs.batches import run_all
from tests.support.jobs.fake_worker import FakeWorker
from worker.webhooks.dispatcher import Dispatcher, dispatcher_of

SECRET = "tOken-0123"
PATHS = {"ntfy": f"/{SECRET}", "discord": f"/api/webhooks/77/{SECRET}", "slack": f"/services/T0/{SECRET}"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook": WebhookSettings(allow_private="true")})


def notice(told: Receiver, template: str, **more: Any) -> dict[str, Any]:
    parts = urlsplit(told.url)
    return {"template": template, "url": parts._replace(path=PATHS[template]).geturl(), **more}


def submit(client: FlaskClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code == 202, answer.json
    found: dict[str, Any] = answer.json
    return found


@pytest.mark.parametrize("template", PATHS)
def test_a_batch_is_told_once_in_words(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver, template: str
) -> None:
    body = {"items": [{"type": "generate", "digit": 3}] * 3, "name": "wedding"}
    batch = submit(client, "/v1/batches", {**body, "webhook": notice(told, template)})
    run_all(client, worker, batch, failing={1})
    dispatcher.run()
    dispatcher.run()
    (request,) = told.received
    text = json.dumps(json.loads(request.body))
    assert "wedding: completed" in text.replace("\\\\", "")
    assert "2 of 3 succeeded, 1 failed" in text
    assert "contact-sheet" in text
    assert request.path == ("/" if template == "ntfy" else PATHS[template])
    assert "webhook-signature" not in request.headers
    assert request.headers["content-type"] == "application/json"


def test_ntfy_gets_its_topic_and_the_link(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    job = submit(client, "/v1/jobs", {"type": "generate", "seed": 7, "webhook": notice(told, "ntfy")})
    worker.run(job["id"])
    dispatcher.run()
    body = json.loads(told.received[0].body)
    shown = client.get(f"/v1/jobs/{job['id']}").json
    assert (body["topic"], body["title"]) == (SECRET, "generate: succeeded")
    assert body["click"] == shown["outputs"][0]["url"]


def test_a_notice_that_is_not_taken_is_tried_again(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    told.answer(429, Retry_After="120")
    job = submit(client, "/v1/jobs", {"type": "generate", "webhook": notice(told, "slack")})
    worker.run(job["id"])
    dispatcher.run()
    (delivery,) = client.get(f"/v1/webhooks/deliveries?job={job['id']}").json["data"]
    assert (delivery["status"], delivery["tries"][0]["status_code"]) == ("pending", 429)
    told.answer(200)
    client.post(delivery["urls"]["redeliver"])
    dispatcher.run()
    assert len(told.received) == 2


@pytest.mark.parametrize("template", PATHS)
def test_the_address_is_never_shown_again(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver, template: str
) -> None:
    job = submit(client, "/v1/jobs", {"type": "generate", "webhook": notice(told, template)})
    items = {"items": [{"type": "generate"}], "webhook": notice(told, template)}
    batch = submit(client, "/v1/batches", items)
    worker.run(job["id"])
    run_all(client, worker, batch)
    dispatcher.run()
    pages = [
        f"/v1/jobs/{job['id']}", "/v1/jobs", f"/v1/batches/{batch['id']}", "/v1/batches",
        f"/v1/batches/{batch['id']}/items", "/v1/webhooks/deliveries",
    ]  # fmt: skip
    told_of = [json.dumps(job), json.dumps(batch), *(client.get(page).text for page in pages)]
    assert [text for text in told_of if SECRET in text] == []
    deliveries = client.get("/v1/webhooks/deliveries").json["data"]
    assert {(one["template"], one["url"]) for one in deliveries} == {(template, "http://127.0.0.1/...")}
    assert client.get(f"/v1/jobs/{job['id']}").json["input"]["webhook"] is None


def test_a_job_that_is_tried_again_tells_the_same_people(
    client: FlaskClient, worker: FakeWorker, dispatcher: Dispatcher, told: Receiver
) -> None:
    hook = notice(told, "slack", events=["job.failed", "job.succeeded"])
    job = submit(client, "/v1/jobs", {"type": "generate", "webhook": hook})
    worker.fail(worker.claim(job["id"]))
    again = client.post(f"/v1/jobs/{job['id']}/retry").json
    worker.run(again["id"])
    dispatcher.run()
    texts = sorted(json.loads(request.body)["text"].splitlines()[0] for request in told.received)
    assert texts == ["generate: failed", "generate: succeeded"]


def test_a_form_names_a_template_too(client: FlaskClient, told: Receiver) -> None:
    hook = notice(told, "discord")
    form = {"seed": "7", "webhook": hook["url"], "webhook_template": "discord"}
    answer = client.post("/v1/jobs/generate", data=form, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["input"]["webhook"]) == (202, None)


@pytest.mark.parametrize(
    ("hook", "pointer", "words"),
    [
        ({"template": "ntfy", "url": "https://ntfy.sh/"}, "/webhook/url", "a topic"),
        ({"template": "discord", "url": "https://discord.com/x"}, "/webhook/url", "path of a webhook"),
        ({"template": "fax", "url": "https://a.example/"}, "/webhook/template", "ntfy"),
        ({"template": "mail", "url": "https://a.example/x"}, "/webhook/url", "mailto:"),
        ({"template": "mail", "url": "mailto:ada@example.org"}, "/webhook/url", "ATELIER_MAIL_TO"),
        ({"template": "slack", "url": "http://169.254.169.254/x"}, "/webhook/url", "refused"),
        ({"template": "slack"}, "/webhook/url", "url"),
    ],
)
def test_a_fault_names_its_field_and_repeats_no_address(
    client: FlaskClient, hook: dict[str, Any], pointer: str, words: str
) -> None:
    answer = client.post("/v1/jobs", json={"type": "generate", "webhook": hook})
    (fault,) = answer.json["errors"]
    assert (answer.status_code, fault["pointer"], words in fault["detail"]) == (422, pointer, True)
    assert hook.get("url", "-").rpartition("/")[0] + "/x" not in answer.text


def test_a_batch_is_told_once_by_mail(services: Services, worker: FakeWorker) -> None:
    with mail_server() as post_office:
        mail = MailSettings(
            server=SecretStr(post_office.url), sender="atelier@example.org", to="@example.org"
        )
        settings = services.settings.model_copy(update={"mail": mail})
        client = create_app(dataclasses.replace(services, settings=settings)).test_client()
        hook = {"template": "mail", "url": "mailto:ada@example.org"}
        body = {"items": [{"type": "generate", "digit": 3}] * 3, "name": "wedding", "webhook": hook}
        batch = submit(client, "/v1/batches", body)
        run_all(client, worker, batch)
        dispatcher_of(services.store, settings).run()
        (delivery,) = client.get("/v1/webhooks/deliveries").json["data"]
    (message,) = post_office.mails
    assert message["Subject"] == "wedding: completed"
    assert (delivery["status"], delivery["url"]) == ("delivered", "mailto:...@example.org")


def test_a_bulk_action_is_told_once_in_words(
    client: FlaskClient, services: Services, dispatcher: Dispatcher, told: Receiver
) -> None:
    for _ in range(2):
        submit(client, "/v1/jobs", {"type": "generate"})
    action = submit(client, "/v1/actions", {"do": "cancel", "filter": {}, "webhook": notice(told, "slack")})
    assert SECRET not in json.dumps(action)
    ActionRunner(services.store, services.memory).go_on()
    dispatcher.run()
    (request,) = told.received
    assert json.loads(request.body)["text"].splitlines()[:2] == ["bulk cancel: completed", "2 of 2 jobs"]
