"""Bulk actions over HTTP: what is asked, what is refused, and who may ask."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.actions.runner import ActionRunner
from tests.support.jobs.fake_worker import FakeWorker

Json = dict[str, Any]


@pytest.fixture
def runner(services: Services) -> ActionRunner:
    return ActionRunner(services.store, services.memory)


def submit(client: FlaskClient, **fields: Any) -> str:
    return str(client.post("/v1/jobs", json={"type": "generate", **fields}).json["id"])


def begin(client: FlaskClient, do: str, only: Json | None = None, **more: Any) -> Any:
    headers = more.pop("headers", {})
    return client.post("/v1/actions", json={"do": do, "filter": only or {}, **more}, headers=headers)


def test_an_action_is_accepted_carried_out_and_read(client: FlaskClient, runner: ActionRunner) -> None:
    ids = [submit(client, metadata={"go": "1"}) for _ in range(3)]
    kept = submit(client)
    accepted = begin(client, "cancel", {"metadata": "go=1"})
    assert accepted.status_code == 202
    assert accepted.json["status"] == "running"
    runner.go_on()
    action = client.get(accepted.headers["Location"]).json
    assert (action["status"], action["done"], action["fraction"]) == ("completed", True, 1.0)
    assert (action["matched"], action["succeeded"], action["filter"]) == (3, 3, {"metadata": "go=1"})
    assert {client.get(f"/v1/jobs/{job_id}").json["status"] for job_id in ids} == {"canceled"}
    assert client.get(f"/v1/jobs/{kept}").json["status"] == "queued"
    assert [entry["id"] for entry in client.get("/v1/actions").json["data"]] == [action["id"]]


def test_an_action_is_for_the_jobs_of_a_lane(client: FlaskClient, runner: ActionRunner) -> None:
    first, moved = (submit(client, lane="interactive") for _ in range(2))
    client.post(f"/v1/jobs/{moved}/move", json={"lane": "bulk"})
    batch = client.post("/v1/batches", json={"items": [{"type": "generate"}] * 2}).json
    accepted = begin(client, "cancel", {"lane": "bulk", "items": True})
    runner.go_on()
    action = client.get(accepted.headers["Location"]).json
    assert (action["matched"], action["succeeded"], action["lane"]) == (3, 3, None)
    assert action["filter"] == {"lane": "bulk", "items": True}
    assert client.get(batch["urls"]["self"]).json["status"] == "canceled"
    statuses = [client.get(f"/v1/jobs/{job_id}").json["status"] for job_id in (first, moved)]
    assert statuses == ["queued", "canceled"]


def test_what_failed_with_a_code_goes_again(
    client: FlaskClient, worker: FakeWorker, runner: ActionRunner
) -> None:
    job_id = submit(client)
    worker.fail(worker.claim(job_id))
    batch = client.post("/v1/batches", json={"items": [{"type": "generate"}]}).json
    (item,) = client.get(f"/v1/batches/{batch['id']}/items").json["data"]
    worker.fail(worker.claim(item["id"]))
    asked = [
        begin(client, "retry", {"status": "failed", "code": "out_of_disk"}),
        begin(client, "retry", {"status": "failed", "code": "corrupt_image"}, dry_run=True),
        begin(client, "retry", {"status": "failed", "code": "corrupt_image"}),
    ]
    runner.go_on()
    found = [client.get(each.headers["Location"]).json for each in asked]
    assert [(each["matched"], each["succeeded"]) for each in found] == [(0, 0), (2, 0), (2, 2)]
    assert client.get(f"/v1/jobs/{job_id}").json["retried_as"]
    assert client.get(f"/v1/batches/{batch['id']}").json["counts"]["queued"] == 1


def test_waiting_jobs_of_a_time_go_to_the_other_lane(client: FlaskClient, runner: ActionRunner) -> None:
    job_id = submit(client)
    since = client.get(f"/v1/jobs/{job_id}").json["created_at"]
    begin(client, "move", {"until": since}, to="front", lane="bulk")
    action = begin(client, "move", {"since": since}, to="front", lane="bulk").json
    runner.go_on()
    assert client.get(f"/v1/jobs/{job_id}").json["queue"]["lane"] == "bulk"
    assert client.get(f"/v1/actions/{action['id']}").json["lane"] == "bulk"


def test_a_key_begins_one_action(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = (begin(client, "cancel", headers=headers) for _ in range(2))
    assert (again.json["id"], again.headers["Idempotency-Replayed"]) == (first.json["id"], "true")
    other = begin(client, "delete", headers=headers)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_an_action_is_canceled(client: FlaskClient, runner: ActionRunner) -> None:
    job_id = submit(client)
    action = begin(client, "cancel").json
    stopped = client.post(f"/v1/actions/{action['id']}/cancel")
    assert (stopped.status_code, stopped.json["status"]) == (200, "canceled")
    runner.go_on()
    assert client.get(f"/v1/jobs/{job_id}").json["status"] == "queued"
    done = begin(client, "cancel").json
    runner.go_on()
    assert client.post(f"/v1/actions/{done['id']}/cancel").status_code == 409
    assert client.post("/v1/actions/action_0/cancel").status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"filter": {}}, "/do"),
        ({"do": "cancel"}, "/filter"),
        ({"do": "burn", "filter": {}}, "/do"),
        ({"do": "cancel", "filter": {"status": "waiting"}}, "/filter/status"),
        ({"do": "cancel", "filter": {"status": "failed"}}, "/filter/status"),
        ({"do": "cancel", "filter": {"limit": 3}}, "/filter/limit"),
        ({"do": "cancel", "filter": {"since": "yesterday"}}, "/filter/since"),
        ({"do": "cancel", "filter": {"items": "yes"}}, "/filter/items"),
        ({"do": "delete", "filter": {"items": True}}, "/filter/items"),
        ({"do": "move", "filter": {}}, "/to"),
        ({"do": "cancel", "filter": {}, "lane": "bulk"}, "/lane"),
        ({"do": "cancel", "filter": {}, "owner": "A B"}, "/owner"),
        ({"do": "cancel", "filter": {}, "dry_run": "no"}, "/dry_run"),
        ({"do": "cancel", "filter": {}, "more": 1}, "/more"),
    ],
)
def test_what_is_no_action_is_refused_by_its_field(client: FlaskClient, body: Json, pointer: str) -> None:
    answer = client.post("/v1/actions", json=body)
    assert (answer.status_code, [fault["pointer"] for fault in answer.json["errors"]]) == (422, [pointer])


def headers(services: Services, owner: str, *scopes: Scope) -> dict[str, str]:
    _, text = KeyStore(services.store.scripts).create(owner, owner=owner, scopes=frozenset(scopes))
    return {"Authorization": f"Bearer {text}"}


def test_an_admin_acts_on_the_jobs_of_a_named_owner(
    client: FlaskClient, services: Services, runner: ActionRunner
) -> None:
    anna = headers(services, "anna", Scope.SUBMIT, Scope.READ)
    root = headers(services, "root", Scope.ADMIN)
    job = client.post("/v1/jobs", json={"type": "generate"}, headers=anna).json
    assert begin(client, "cancel", owner="root", headers=anna).status_code == 403
    assert begin(client, "cancel", owner="anna", headers=anna).status_code == 202
    runner.go_on()
    assert client.get(f"/v1/jobs/{job['id']}", headers=anna).json["status"] == "canceled"
    action = begin(client, "delete", owner="anna", headers=root).json
    runner.go_on()
    assert client.get(f"/v1/jobs/{job['id']}", headers=anna).status_code == 410
    assert client.get(f"/v1/actions/{action['id']}", headers=anna).status_code == 404
    assert client.get(f"/v1/actions/{action['id']}", headers=root).json["succeeded"] == 1
