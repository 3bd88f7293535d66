"""Pauses of batches: why, who, until when; and how a batch goes on by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.errors import CorruptImage
from shared.maintenance.garbage import Garbage
from shared.maintenance.reaper import Reaper
from shared.queue.celery_app import queue_of
from shared.specs.parts import Lane
from tests.support.jobs.fake_worker import FakeWorker

ITEMS = [{"type": "generate", "seeds": [seed]} for seed in range(3)]


@pytest.fixture
def batch(client: FlaskClient) -> str:
    return str(client.post("/v1/batches", json={"items": ITEMS}).json["id"])


@pytest.fixture
def reaper(services: Services) -> Reaper:
    garbage = Garbage(services.store.client, services.objects)
    return Reaper(services.store, services.batches, services.queue, garbage)


def pause(client: FlaskClient, batch: str, *, status: int = 200, **body: Any) -> Any:
    response = client.post(f"/v1/batches/{batch}/pause", **({"json": body} if body else {}))
    assert response.status_code == status, response.json
    return response.json


def let_end(services: Services, batch: str) -> None:
    """Let a pause end now, without waiting for it."""
    client = services.store.client
    client.hset(f"atelier:batch:{batch}", "paused_until", 1)
    assert client.zadd("atelier:batch-pauses", {batch: 1}, xx=True) == 0


def test_a_batch_says_why_it_is_paused_by_whom_and_until_when(
    client: FlaskClient, services: Services
) -> None:
    _, text = KeyStore(services.store.scripts).create(
        "laptop", owner="shop", scopes=frozenset({Scope.SUBMIT, Scope.READ})
    )
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {text}"
    batch = client.post("/v1/batches", json={"items": ITEMS}).json["id"]
    told = pause(client, batch, reason="the lights are wrong", for_seconds=600)
    assert (told["status"], told["pause"]["reason"], told["pause"]["by"]) == (
        "paused",
        "the lights are wrong",
        "laptop",
    )
    since, until = (datetime.fromisoformat(told["pause"][name]) for name in ("since", "until"))
    assert timedelta(seconds=599) < until - since <= timedelta(seconds=600)
    assert client.get(f"/v1/batches/{batch}").json["pause"] == told["pause"]
    assert client.post(f"/v1/batches/{batch}/resume").json["pause"] is None


def test_without_a_body_it_is_paused_without_a_reason_or_an_end(client: FlaskClient, batch: str) -> None:
    told = pause(client, batch)["pause"]
    assert (told["reason"], told["by"], told["until"]) == ("", "anonymous", None)


def test_it_goes_on_by_itself_and_workers_are_told(
    client: FlaskClient, services: Services, reaper: Reaper, batch: str
) -> None:
    pause(client, batch, for_seconds=600)
    reaper.end_pauses()
    assert (client.get(f"/v1/batches/{batch}").json["status"], services.store.claim_next("w")) == (
        "paused",
        [],
    )
    let_end(services, batch)
    services.store.client.delete(queue_of(Lane.BULK))
    reaper.end_pauses()
    reaper.pass_once()
    assert client.get(f"/v1/batches/{batch}").json["status"] == "running"
    assert services.store.client.llen(queue_of(Lane.BULK)) > 0
    assert len(services.store.claim_next("w", most=3)) == 3


def test_another_pause_replaces_the_end(
    client: FlaskClient, services: Services, reaper: Reaper, batch: str
) -> None:
    pause(client, batch, for_seconds=600)
    let_end(services, batch)
    assert pause(client, batch, reason="for good")["pause"]["until"] is None
    reaper.end_pauses()
    assert client.get(f"/v1/batches/{batch}").json["pause"]["reason"] == "for good"


def test_a_pause_that_was_prolonged_while_it_ended_holds(
    client: FlaskClient, services: Services, batch: str
) -> None:
    pause(client, batch, for_seconds=600)
    services.store.scripts.run("batches/move", batch, "anonymous", "wake")  # as a late reaper does
    assert client.get(f"/v1/batches/{batch}").json["status"] == "paused"
    assert services.store.client.zcard("atelier:batch-pauses") == 1


@pytest.mark.parametrize("move", ["resume", "cancel"])
def test_what_ends_the_pause_forgets_its_end(
    client: FlaskClient, services: Services, batch: str, move: str
) -> None:
    pause(client, batch, for_seconds=600, reason="a test")
    assert client.post(f"/v1/batches/{batch}/{move}").json["pause"] is None
    assert services.store.client.zcard("atelier:batch-pauses") == 0
    assert "paused_until" not in services.store.client.hgetall(f"atelier:batch:{batch}")


def test_a_batch_that_paused_by_itself_says_so(client: FlaskClient, worker: FakeWorker) -> None:
    body = {"items": ITEMS, "stop_when": {"failed": 1}}
    batch = client.post("/v1/batches", json=body).json["id"]
    worker.fail(worker.claim(f"job_{batch[6:]}-0"), CorruptImage())
    told = client.get(f"/v1/batches/{batch}").json
    assert (told["status"], told["pause"]["since"]) == ("paused", told["stopped_at"])
    assert (told["pause"]["by"], "stop_when" in told["pause"]["reason"]) == (None, True)


@pytest.mark.parametrize("more", [{"stop_when": {"failed": 1}}, {"sample": 1}])
def test_the_end_of_a_pause_lets_no_batch_go_on_that_paused_itself(
    client: FlaskClient, services: Services, worker: FakeWorker, reaper: Reaper, more: dict[str, Any]
) -> None:
    batch = client.post("/v1/batches", json={"items": ITEMS, **more}).json["id"]
    job = worker.claim(f"job_{batch[6:]}-0")
    worker.fail(job, CorruptImage()) if "stop_when" in more else worker.succeed(job)
    pause(client, batch, reason="lunch", for_seconds=600)
    let_end(services, batch)
    reaper.end_pauses()
    assert client.get(f"/v1/batches/{batch}").json["status"] == "paused"
    assert services.store.claim_next("w") == []
    assert client.post(f"/v1/batches/{batch}/resume").json["status"] == "running"
    assert len(services.store.claim_next("w", most=8)) == len(ITEMS) - 1


@pytest.mark.parametrize(
    "body", [{"reason": ""}, {"until": "yesterday"}, {"for_seconds": 0}, {"window": "01:00-07:00"}]
)
def test_what_cannot_be_meant_is_refused(client: FlaskClient, batch: str, body: dict[str, Any]) -> None:
    (fault,) = pause(client, batch, status=422, **body)["errors"]
    assert fault["pointer"] == f"/{next(iter(body))}"
    assert client.get(f"/v1/batches/{batch}").json["status"] == "running"


def test_a_pause_that_ends_starts_no_batch_before_its_time(
    client: FlaskClient, services: Services, reaper: Reaper
) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    batch = client.post("/v1/batches", json={"items": ITEMS, "not_before": later}).json["id"]
    pause(client, batch, for_seconds=600)
    let_end(services, batch)
    reaper.end_pauses()
    reaper.pass_once()
    told = client.get(f"/v1/batches/{batch}").json
    assert (told["status"], told["pause"], services.store.claim_next("w")) == ("running", None, [])
    client.post(f"/v1/batches/{batch}/resume")
    assert len(services.store.claim_next("w", most=3)) == 3
