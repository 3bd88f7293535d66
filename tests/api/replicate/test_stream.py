"""The stream of a prediction: events that every client knows, each with an id."""

import re

from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import DEFAULT_SCOPES
from shared.access.store import KeyStore
from shared.network_settings import ApiSettings
from tests.api.replicate.conftest import DIGITS, HOME, ClientWith, Create, Json
from tests.support.jobs.fake_worker import FakeWorker

EVENT = re.compile(r"event: (\w+)\nid: (\d+-\d+)\ndata: (.*)\n\n")


def events_of(client: FlaskClient, job_id: str, after: str = "") -> list[tuple[str, str]]:
    """Return kind and data of each event; fail where anything else is in the stream."""
    headers = {"Last-Event-ID": after} if after else {}
    response = client.get(f"{HOME}/predictions/{job_id}/stream", headers=headers)
    assert response.headers["Content-Type"].partition(";")[0] == "text/event-stream"
    text = re.sub(r"^retry: \d+\n\n", "", response.text)
    assert EVENT.sub("", text) == ""
    return [(kind, data) for kind, _, data in EVENT.findall(text)]


def test_a_stream_tells_of_progress_output_and_the_end(
    create: Create, client: FlaskClient, worker: FakeWorker
) -> None:
    made = create().json
    job = worker.claim(made["id"])
    worker.show(job, 1, 4)
    worker.succeed(job)
    logs, *rest = events_of(client, made["id"])
    (output,) = client.get(f"{HOME}/predictions/{made['id']}").json["output"]
    assert output.startswith("data:image/png;base64,")
    assert logs == ("logs", " 25%|##        | 1/4")
    assert rest == [("output", output), ("done", "{}")]


def test_pictures_are_addresses_where_they_are_asked_for(
    create: Create, client: FlaskClient, worker: FakeWorker
) -> None:
    made = create({"seed": 7, "output_encoding": "url"}).json
    worker.run(made["id"])
    (output, _) = events_of(client, made["id"])
    assert output == ("output", f"http://localhost/v1/jobs/{made['id']}/outputs/0")


def test_who_comes_without_a_key_gets_the_pictures_themselves(
    client_with: ClientWith, services: Services, worker: FakeWorker
) -> None:
    """The JavaScript client opens a stream by its signed address, and would open addresses in it so, too."""
    client = client_with(api=ApiSettings(public_url="https://pictures.example"))
    _, key = KeyStore(services.store.scripts).create("mine", owner="anna", scopes=DEFAULT_SCOPES)
    headers = {"Authorization": f"Bearer {key}"}
    path = f"{HOME}/models/{DIGITS}/predictions"
    made = client.post(path, json={"input": {"seed": 7}}, headers=headers).json
    worker.run(made["id"])
    found = client.get(f"{HOME}/predictions/{made['id']}", headers=headers).json
    assert found["output"][0].startswith("https://pictures.example/v1/")
    stream = found["urls"]["stream"].removeprefix("https://pictures.example")
    assert "data: data:image/png;base64," in client.get(stream).text
    assert client.get(stream.partition("?")[0]).status_code == 401


def test_a_failure_is_an_error_before_the_end(
    create: Create, client: FlaskClient, worker: FakeWorker
) -> None:
    made = create().json
    worker.fail(worker.claim(made["id"]))
    assert events_of(client, made["id"]) == [("error", "it ends early"), ("done", '{"reason": "error"}')]


def test_what_was_canceled_has_no_error(create: Create, client: FlaskClient) -> None:
    made = create().json
    client.post(f"{HOME}/predictions/{made['id']}/cancel")
    assert events_of(client, made["id"]) == [("done", '{"reason": "canceled"}')]


def test_a_stream_goes_on_after_the_last_event(client: FlaskClient, done: Json) -> None:
    whole = events_of(client, done["id"])
    assert events_of(client, done["id"], after="9999999999999-0") == whole[-2:]
    refused = client.get(f"{HOME}/predictions/{done['id']}/stream", headers={"Last-Event-ID": "x"})
    assert refused.status_code == 400
