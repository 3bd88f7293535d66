"""What was found by running Replicate's clients: each of their traps, without them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.replicate import predictions
from api.services import Services
from shared.access.key import DEFAULT_SCOPES
from shared.access.store import KeyStore
from shared.errors import StorageUnavailable, StoreUnavailable
from shared.identifiers import ANONYMOUS
from shared.network_settings import ApiSettings
from tests.api.replicate.conftest import DIGITS, HOME, PAINTER, ClientWith, Create, Json, read, version_of
from tests.support.jobs.fake_worker import FakeWorker

PROGRESS = re.compile(r"^\s*(?P<percentage>\d+)%\s*\|.+?\|\s*(?P<current>\d+)\/(?P<total>\d+)")


# 1: a status that is none of five is an exception in a program.


def _leave(services: Services, worker: FakeWorker, job_id: str) -> None: ...


def _run(services: Services, worker: FakeWorker, job_id: str) -> None:
    worker.claim(job_id)


def _succeed(services: Services, worker: FakeWorker, job_id: str) -> None:
    worker.run(job_id)


def _fail(services: Services, worker: FakeWorker, job_id: str) -> None:
    worker.fail(worker.claim(job_id))


def _cancel(services: Services, worker: FakeWorker, job_id: str) -> None:
    services.store.cancel(job_id, ANONYMOUS)


def _expire(services: Services, worker: FakeWorker, job_id: str) -> None:
    record = f"atelier:job:{job_id}"
    services.store.client.hset(record, "status", "expired")


@pytest.mark.parametrize(
    ("move", "status"),
    [
        (_leave, "starting"),
        (_run, "processing"),
        (_succeed, "succeeded"),
        (_fail, "failed"),
        (_cancel, "canceled"),
        (_expire, "canceled"),
    ],
)
def test_every_status_of_a_job_is_one_that_clients_know(
    create: Create,
    client: FlaskClient,
    services: Services,
    worker: FakeWorker,
    move: Callable[[Services, FakeWorker, str], None],
    status: str,
) -> None:
    made = create().json
    move(services, worker, made["id"])
    assert read(client, made["id"])["status"] == status


def test_a_prediction_has_what_the_clients_demand(done: Json) -> None:
    texts = [done[name] for name in ("id", "model", "version", "status", "created_at")]
    assert all(isinstance(text, str) and text for text in texts)
    assert all(isinstance(url, str) for url in done["urls"].values())
    assert {"get", "cancel", "stream", "web"} == done["urls"].keys()
    assert done["data_removed"] is False
    assert done["metrics"].keys() == {"predict_time", "total_time"}


# 2: `run()` takes any status but `starting` in the response to a creation as the end.


@pytest.mark.parametrize("prefer", ["wait=1", ""])
def test_what_runs_already_is_starting_in_the_response_to_its_creation(
    create: Create, client: FlaskClient, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch, prefer: str
) -> None:
    def begun(*of: Any, **more: Any) -> Any:
        submitted = accept(*of, **more)
        return type(submitted)(submitted.id, created=True, job=worker.claim(submitted.id))

    accept = predictions.accept
    monkeypatch.setattr(predictions, "accept", begun)
    made = create(prefer=prefer)
    assert (made.status_code, made.json["status"]) == (201 if prefer else 202, "starting")
    assert read(client, made.json["id"])["status"] == "processing"


# 4: clients hang up half a second after the wait that they asked for.


@pytest.mark.parametrize(("prefer", "seconds"), [("wait=3", 2.8), ("wait", 59.8), ("wait=500", 59.8)])
def test_the_wait_ends_before_the_client_hangs_up(
    client_with: ClientWith, monkeypatch: pytest.MonkeyPatch, prefer: str, seconds: float
) -> None:
    waits: list[float] = []

    def wait(resource: Any, job: Any, settled: Any, seconds: float, **more: Any) -> Any:
        waits.append(seconds)
        return job

    monkeypatch.setattr(predictions, "wait", wait)
    client = client_with(api=ApiSettings(max_wait_seconds=600))
    body = {"input": {"seed": 7}}
    client.post(f"{HOME}/models/{DIGITS}/predictions", json=body, headers={"Prefer": prefer})
    assert waits == [pytest.approx(seconds)]


def test_who_does_not_ask_to_wait_does_not_wait(create: Create, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(predictions, "wait")
    assert create().status_code == 202


# 5: the Python client 2 submits again after a 5xx or a 409, the JavaScript client after a 429.


def test_what_is_accepted_is_answered_so_whatever_happens_then(
    create: Create, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*of: Any, **more: Any) -> Any:
        raise StoreUnavailable

    monkeypatch.setattr(predictions, "wait", away)
    made = create(prefer="wait")
    assert (made.status_code, made.json["status"]) == (201, "starting")
    assert len(client.get(f"{HOME}/predictions").json["results"]) == 1


def test_a_picture_that_cannot_be_read_now_is_an_address(
    client: FlaskClient, done: Json, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*of: Any) -> bytes:
        raise StorageUnavailable

    monkeypatch.setattr(type(services.objects), "get_range", away)
    response = client.get(f"{HOME}/predictions/{done['id']}")
    assert (response.status_code, response.json["output"][0][:7]) == (200, "http://")


def test_a_key_of_ones_own_makes_a_repetition_harmless(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "mine"}
    path, body = f"{HOME}/models/{DIGITS}/predictions", {"input": {"seed": 7}}
    first, second = (client.post(path, json=body, headers=headers).json["id"] for _ in range(2))
    assert first == second


def test_a_spent_quota_says_when_to_come_back_in_whole_seconds(
    services: Services, client_with: ClientWith
) -> None:
    services.quotas.set(ANONYMOUS, {"daily_pixels": 1000})
    client = client_with()
    path, body = f"{HOME}/models/{DIGITS}/predictions", {"input": {"seed": 7}}
    client.post(path, json=body)
    refusals = [client.post(path, json=body) for _ in range(6)]  # as the JavaScript client does at once
    assert [refusal.status_code for refusal in refusals] == [429] * 6
    assert all(refusal.headers["Retry-After"].isdigit() for refusal in refusals)
    assert refusals[0].json["code"] == "quota_exceeded"
    assert len(client.get(f"{HOME}/predictions").json["results"]) == 1


# 7: the clients show `type`, `title`, `status`, `detail` and `instance` of an error.


def test_errors_have_the_members_that_clients_show(create: Create) -> None:
    refused = create({"seed": "x", "foot": 1})
    shown = {name: refused.json[name] for name in ("type", "title", "status", "detail", "instance")}
    assert shown["status"] == refused.status_code == 422
    assert (shown["type"], shown["instance"]) == (
        "/problems/invalid_request",
        f"{HOME}/models/{DIGITS}/predictions",
    )
    assert "seed must be a whole number" in shown["detail"]
    assert {fault["pointer"] for fault in refused.json["errors"]} == {"/input/seed", "/input/foot"}


# 9: programs find how far a prediction is by a line of its log.


def test_a_log_tells_how_far_a_prediction_is(create: Create, client: FlaskClient, worker: FakeWorker) -> None:
    made = create().json
    job = worker.claim(made["id"])
    worker.show(job, 5, 10)
    line = read(client, made["id"])["logs"]
    assert line == " 50%|#####     | 5/10"
    found = PROGRESS.match(line)
    assert found
    assert found.groups() == ("50", "5", "10")
    worker.report(job, 0.257)
    assert read(client, made["id"])["logs"].endswith("| 25/100")
    worker.succeed(job, warnings=("truncated",))
    assert read(client, made["id"])["logs"] == "warning: truncated"


# 10: an output that is marked as an iterator comes back from `run()` as one.


@pytest.mark.parametrize(("model", "kind"), [(DIGITS, "array"), (PAINTER, "string")])
def test_no_output_is_marked_as_an_iterator(client: FlaskClient, model: str, kind: str) -> None:
    version = client.get(f"{HOME}/models/{model}/versions/{version_of(client, model)}").json
    output = version["openapi_schema"]["components"]["schemas"]["Output"]
    assert output["type"] == kind
    assert "x-cog-array-type" not in str(version)


# 12: arrays of NumPy come as lists in lists.


def test_latents_may_be_lists_in_lists(create: Create) -> None:
    latents = [[0.5] * 90 + [0] * 9 + [1], [0] * 90 + [1.0] + [0] * 9]
    made = create({"latents": latents})
    assert made.status_code == 202, made.json
    assert made.json["input"]["latents"] == latents


def test_older_clients_say_token(client: FlaskClient, services: Services) -> None:
    _, key = KeyStore(services.store.scripts).create("mine", owner="anna", scopes=DEFAULT_SCOPES)
    for word in ("Bearer", "Token", "token"):
        account = client.get(f"{HOME}/account", headers={"Authorization": f"{word} {key}"}).json
        assert (account["username"], account["name"]) == ("anna", "mine")
    assert client.get(f"{HOME}/account").status_code == 401
