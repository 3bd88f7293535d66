"""POST .../move of jobs and batches, of one's own and, by an admin, of another owner's."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from tests.support.jobs.fake_worker import FakeWorker

ITEMS = [{"type": "generate", "seed": seed} for seed in range(3)]


def submit(client: FlaskClient, **fields: Any) -> str:
    return str(client.post("/v1/jobs", json={"type": "generate", **fields}).json["id"])


def position(client: FlaskClient, job_id: str) -> int:
    return int(client.get(f"/v1/jobs/{job_id}").json["queue"]["position"])


def test_a_job_goes_to_the_front_and_its_answer_says_so(client: FlaskClient) -> None:
    first, _, last = (submit(client) for _ in range(3))
    moved = client.post(f"/v1/jobs/{last}/move", json={"to": "front"})
    assert (moved.status_code, moved.json["queue"]["position"]) == (200, 1)
    assert position(client, first) == 2


def test_a_job_goes_to_the_back_of_the_other_lane(client: FlaskClient) -> None:
    job_id, _, _ = submit(client), submit(client), submit(client, lane="bulk")
    queue = client.post(f"/v1/jobs/{job_id}/move", json={"to": "back", "lane": "bulk"}).json["queue"]
    assert (queue["lane"], queue["position"]) == ("bulk", 3)


def test_a_batch_goes_before_what_waits(client: FlaskClient, worker: FakeWorker) -> None:
    first = submit(client, lane="bulk")
    batch = client.post("/v1/batches", json={"items": ITEMS}).json
    moved = client.post(f"/v1/batches/{batch['id']}/move", json={"to": "front", "lane": "interactive"})
    assert (moved.status_code, moved.json["lane"]) == (200, "interactive")
    assert position(client, first) == 4
    items = client.get(f"/v1/batches/{batch['id']}/items").json["data"]
    assert [item["queue"]["position"] for item in items] == [1, 2, 3]
    assert {item["queue"]["lane"] for item in items} == {"interactive"}


@pytest.mark.parametrize("body", [{}, {"to": None}, {"to": "middle"}, {"lane": "slow"}, {"place": "front"}])
def test_a_place_that_is_none_is_refused(client: FlaskClient, body: object) -> None:
    answer = client.post(f"/v1/jobs/{submit(client)}/move", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert answer.json["errors"][0]["pointer"] in ("/to", "/lane", "/place")


def test_what_does_not_wait_is_a_conflict(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = submit(client)
    worker.claim(job_id)
    answer = client.post(f"/v1/jobs/{job_id}/move", json={"to": "front"})
    assert (answer.status_code, answer.json["detail"]) == (409, "a job that is running cannot be moved")
    assert client.post("/v1/jobs/job_x/move", json={"to": "front"}).status_code == 404


def headers(services: Services, owner: str, *scopes: Scope) -> dict[str, str]:
    _, text = KeyStore(services.store.scripts).create(owner, owner=owner, scopes=frozenset(scopes))
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize("kind", ["jobs", "batches"])
def test_an_admin_moves_what_another_owner_has_waiting(
    client: FlaskClient, services: Services, kind: str
) -> None:
    anna = headers(services, "anna", Scope.SUBMIT, Scope.READ)
    root = headers(services, "root", Scope.ADMIN)
    body: Any = {"type": "generate"} if kind == "jobs" else {"items": ITEMS[:1], "lane": "interactive"}
    ids = [client.post(f"/v1/{kind}", json=body, headers=anna).json["id"] for _ in range(2)]
    paths = [f"/v1/{kind}/{ids[1]}/move", f"/v1/owners/anna/{kind}/{ids[1]}/move"]
    assert client.post(paths[0], json={"to": "front"}, headers=root).status_code == 404
    assert client.post(paths[1], json={"to": "front"}, headers=anna).status_code == 403
    answer = client.post(paths[1], json={"to": "front"}, headers=root)
    assert (answer.status_code, answer.data) == (204, b"")
    (job,) = services.store.claim_next("w")
    assert ids[1] in (job.id, job.batch_id)
