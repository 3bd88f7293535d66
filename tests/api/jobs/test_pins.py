"""Pins: jobs and batches that are kept until their owner unpins or deletes them."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.setting_groups import JobRules
from tests.support.jobs.batches import run_all
from tests.support.jobs.fake_worker import FakeWorker

DIGIT = {"type": "generate", "seed": 7}


def submitted(client: FlaskClient, kind: str, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = DIGIT if kind == "jobs" else {"items": [DIGIT] * 2}
    return dict(client.post(f"/v1/{kind}", json={**body, **more}).json)


def end(client: FlaskClient, worker: FakeWorker, subject: dict[str, Any]) -> None:
    if subject["object"] == "batch":
        run_all(client, worker, subject)
    else:
        worker.run(subject["id"])


def let_time_pass(services: Services) -> None:
    """Have the time of all that expires be over, and forget it."""
    client = services.store.client
    for name in client.zrange("atelier:expiring", 0, -1):
        client.zadd("atelier:expiring", {name: 1})
    services.store.expire()
    services.batches.go_on()


def state(client: FlaskClient, subject: dict[str, Any]) -> dict[str, Any]:
    return dict(client.get(subject["urls"]["self"]).json)


@pytest.mark.parametrize("kind", ["jobs", "batches"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_is_pinned_does_not_expire_until_it_is_unpinned(
    client: FlaskClient, services: Services, worker: FakeWorker, kind: str, when: str
) -> None:
    pinned, other = submitted(client, kind), submitted(client, kind)
    if when == "before":
        assert client.post(pinned["urls"]["pin"]).json["pinned_at"] is not None
    for each in (pinned, other):
        end(client, worker, each)
    if when == "after":
        client.post(pinned["urls"]["pin"])
    let_time_pass(services)
    assert client.get(other["urls"]["self"]).status_code == 410
    kept = state(client, pinned)
    assert (kept["expires_at"], kept["done"]) == (None, True)
    assert client.post(pinned["urls"]["pin"]).json["pinned_at"] == kept["pinned_at"]
    loose = client.post(pinned["urls"]["unpin"]).json
    assert loose["pinned_at"] is None
    assert loose["expires_at"] is not None
    let_time_pass(services)
    assert client.get(pinned["urls"]["self"]).status_code == 410


@pytest.mark.parametrize("kind", ["jobs", "batches"])
def test_the_owner_deletes_what_is_pinned(
    client: FlaskClient, services: Services, worker: FakeWorker, kind: str
) -> None:
    pinned = submitted(client, kind)
    end(client, worker, pinned)
    client.post(pinned["urls"]["pin"])
    assert client.delete(pinned["urls"]["self"]).status_code == 204
    assert client.get(pinned["urls"]["self"]).status_code == 410
    assert services.store.client.keys("atelier:owner:*:pinned") == []


def test_a_pinned_job_counts_as_stored(client: FlaskClient, worker: FakeWorker) -> None:
    job = submitted(client, "jobs")
    worker.run(job["id"])
    used = client.get("/v1/quota").json["used"]["stored_bytes"]
    assert used > 0
    client.post(job["urls"]["pin"])
    assert client.get("/v1/quota").json["used"]["stored_bytes"] == used


def test_so_many_may_be_pinned(client: FlaskClient, services: Services) -> None:
    services.store.rules = JobRules(max_pinned=2)
    jobs = [submitted(client, "jobs"), submitted(client, "batches"), submitted(client, "jobs")]
    assert [client.post(job["urls"]["pin"]).status_code for job in jobs] == [200, 200, 409]
    assert "ATELIER_JOBS_MAX_PINNED" in client.post(jobs[2]["urls"]["pin"]).json["detail"]
    client.post(jobs[1]["urls"]["unpin"])
    assert client.post(jobs[2]["urls"]["pin"]).status_code == 200


def test_an_item_is_pinned_with_its_batch(client: FlaskClient) -> None:
    batch = submitted(client, "batches")
    item = client.get(batch["urls"]["items"]).json["data"][0]
    refused = client.post(item["urls"]["pin"])
    assert (refused.status_code, batch["id"] in refused.json["detail"]) == (409, True)


def test_a_pinned_batch_that_runs_again_stays_pinned(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = submitted(client, "batches")
    run_all(client, worker, batch, failing={0})
    client.post(batch["urls"]["pin"])
    client.post(batch["urls"]["retry_failed"])
    run_all(client, worker, batch)
    let_time_pass(services)
    assert (state(client, batch)["status"], state(client, batch)["expires_at"]) == ("completed", None)


def test_nobody_pins_what_is_anothers(client: FlaskClient, services: Services) -> None:
    keys = KeyStore(services.store.scripts)
    texts = [keys.create(name, owner=name, scopes=frozenset(Scope))[1] for name in ("a", "b")]
    mine, others = ({"Authorization": f"Bearer {text}"} for text in texts)
    job = client.post("/v1/jobs", json=DIGIT, headers=mine).json
    assert client.post(job["urls"]["pin"], headers=others).status_code == 404
    assert client.post(job["urls"]["pin"], headers=mine).status_code == 200
    assert client.post(f"/v1/batches/{job['id']}/pin", headers=mine).status_code == 404
