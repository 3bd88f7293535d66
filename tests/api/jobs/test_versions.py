"""Versions of a model in requests, and a rollout, over the real server."""

import logging
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.cards.parts import Range
from shared.errors import CorruptImage
from shared.identifiers import ANONYMOUS
from shared.workers import ReloadRequest
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.models.versions import NAME, NEW, OLD, THERE, write_version

ROLLOUT = f"/v1/models/{NAME}/rollout"
VERSIONS = f"/v1/models/{NAME}/versions"


@pytest.fixture(autouse=True)
def beside(services: Services, worker: FakeWorker) -> None:
    """A version beside the current one, which a worker has."""
    write_version(services.settings.cards)
    worker.announce(NAME, available=THERE, versions=(OLD, NEW))


def job(client: FlaskClient, **how: Any) -> Any:
    headers = how.pop("headers", {})
    response = client.post("/v1/jobs", json={"type": "generate", **how}, headers=headers)
    assert response.status_code in (200, 202), response.json
    return response.json


def model_of(client: FlaskClient, **how: Any) -> str:
    return str(job(client, **how)["input"]["model"])


def roll_out(client: FlaskClient, share: float, version: str = "5") -> None:
    answer = client.put(ROLLOUT, json={"version": version, "share": share})
    assert answer.status_code == 200, answer.json


def test_a_job_names_a_version_and_keeps_it(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    made = job(client, model=NEW, seed=7)
    assert (made["model"]["name"], made["model"]["version"]) == (NAME, "5")
    record = services.store.client.hgetall(f"atelier:job:{made['id']}")
    assert (record["model"], record["schema"], record["work"].partition(":")[0]) == (NEW, "7", NEW)
    worker.fail(worker.claim(made["id"]))
    again = client.post(f"/v1/jobs/{made['id']}/retry").json
    assert again["input"]["model"] == NEW
    assert [one["id"] for one in client.get(f"/v1/jobs?model={NAME}").json["data"]] == [
        again["id"],
        made["id"],
    ]
    assert client.get(f"/v1/jobs?model={OLD}").json["data"] == []
    plain = services.store.client.hgetall(f"atelier:job:{job(client, seed=7)['id']}")
    assert (plain["model"], plain["schema"]) == (NAME, "4")


def test_a_version_that_nobody_has_is_refused_and_one_that_went_is_waited_for(
    client: FlaskClient, worker: FakeWorker
) -> None:
    waiting = job(client, model=NEW)["id"]
    worker.announce(NAME, available=THERE, versions=(OLD,))
    assert client.get(f"/v1/jobs/{waiting}").json["queue"]["reason"] == "no_worker_has_model"
    refused = client.post("/v1/jobs", json={"type": "generate", "model": NEW}).json
    assert (refused["code"], refused["errors"][0]["pointer"]) == ("model_unavailable", "/model")
    assert NEW in refused["detail"]
    unknown = client.post("/v1/jobs", json={"type": "generate", "model": f"{NAME}@6"}).json
    assert "there are: 4, 5" in unknown["detail"]
    worker.announce(NAME, available=THERE, schema=6)  # a worker of the version before
    assert client.get(f"/v1/jobs/{waiting}").json["queue"]["reason"] == "needs_newer_worker"


def test_a_share_of_the_jobs_gets_the_new_version_and_a_repetition_the_same(
    client: FlaskClient, services: Services
) -> None:
    request = ReloadRequest(services.store.scripts)
    request.is_new()
    roll_out(client, 0.5)
    assert request.is_new()
    given = {seed: model_of(client, seed=seed) for seed in range(40)}
    assert set(given.values()) == {OLD, NEW}
    assert {seed: model_of(client, seed=seed, metadata={"again": "yes"}) for seed in given} == given
    assert model_of(client, model=OLD, seed=1) == OLD
    key = {"headers": {"Idempotency-Key": "k1"}}
    first = job(client, **key)
    roll_out(client, 1.0)
    assert {model_of(client, seed=seed) for seed in given} == {NEW}
    roll_out(client, 0.0001)
    assert job(client, **key)["id"] == first["id"]
    assert client.delete(ROLLOUT).status_code == 204
    assert job(client, **key)["id"] == first["id"]
    assert {model_of(client, seed=seed) for seed in given} == {NAME}


def test_items_of_a_batch_are_divided_and_equal_ones_are_not(client: FlaskClient, services: Services) -> None:
    roll_out(client, 0.5)
    items = [{"type": "generate", "seed": seed} for seed in [*range(20), *range(20)]]
    batch = client.post("/v1/batches", json={"items": items}).json
    listed = client.get(f"/v1/batches/{batch['id']}/items?limit=200").json["data"]
    models = [
        str(services.store.get(item["id"], ANONYMOUS).spec.model)
        for item in sorted(listed, key=lambda item: int(item["id"].split("-")[1]))
    ]
    assert set(models) == {OLD, NEW}
    assert models[:20] == models[20:]


def test_a_rollout_turns_nobody_away(client: FlaskClient, worker: FakeWorker, services: Services) -> None:
    roll_out(client, 1.0)
    worker.announce(NAME, available=THERE, versions=(OLD,))
    services.roster.live()
    assert model_of(client) == OLD
    worker.announce(NAME, available=THERE, schema=6)
    services.roster.live()
    assert model_of(client) == NAME


def test_a_version_is_chosen_in_the_lane_whose_workers_have_it(
    client: FlaskClient, worker: FakeWorker, services: Services
) -> None:
    roll_out(client, 1.0)
    worker.announce(NAME, available=THERE, versions=(OLD, NEW), lane="interactive")
    worker.announce(NAME, available=THERE, versions=(OLD,), name="w2", lane="bulk")
    services.roster.live()
    assert (model_of(client), model_of(client, lane="bulk")) == (NEW, OLD)
    batch = {"items": [{"type": "generate"}], "lane": "bulk"}
    made = client.post("/v1/batches", json=batch).json
    (item,) = client.get(f"/v1/batches/{made['id']}/items").json["data"]
    assert services.store.get(item["id"], ANONYMOUS).spec.model == OLD


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"version": "6", "share": 0.1}, "/version", "unknown_model"),
        ({"version": "4", "share": 0.1}, "/version", "invalid_request"),
        ({"version": "5", "share": 0}, "/share", "out_of_range"),
        ({"version": "5", "share": 1.5}, "/share", "out_of_range"),
        ({"version": "5"}, "/share", "missing"),
        ({"version": "7", "share": 0.1}, "/version", "invalid_value"),
        ({"version": "8", "share": 0.1}, "/version", "model_unavailable"),
    ],
)
def test_a_rollout_that_cannot_be_is_refused_by_its_field(
    client: FlaskClient, services: Services, body: dict[str, Any], pointer: str, code: str
) -> None:
    few = {
        "count": Range(minimum=1, maximum=2, default=1),
        "truncation": Range(minimum=0.1, maximum=1, default=1),
    }
    write_version(services.settings.cards, "7", parameters=few)
    write_version(services.settings.cards, "8")
    answer = client.put(ROLLOUT, json=body)
    assert answer.status_code in (404, 422)
    assert [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]] == [(pointer, code)]
    assert client.get(VERSIONS).json["rollout"] is None


def test_the_versions_tell_how_their_jobs_did(client: FlaskClient, worker: FakeWorker) -> None:
    roll_out(client, 1.0)
    worker.run(job(client)["id"])
    worker.fail(worker.claim(job(client)["id"]), CorruptImage("torn"))
    worker.run(job(client, model=OLD)["id"])
    found = client.get(VERSIONS).json
    old, new = found["data"]
    assert (found["rollout"]["version"], found["rollout"]["share"]) == ("5", 1.0)
    assert (old["reference"], old["current"], new["current"], new["workers"]) == (OLD, True, False, 1)
    counts = [(each["outcomes"]["succeeded"], each["outcomes"]["failed"]) for each in (old, new)]
    assert counts == [(1, 0), (1, 1)]
    assert new["outcomes"]["errors"] == {"corrupt_image": 1}
    assert new["outcomes"]["run_seconds_p50"] == new["outcomes"]["run_seconds_p95"] is not None


def test_back_where_nothing_is_rolled_out_is_told(client: FlaskClient) -> None:
    answer = client.delete(ROLLOUT)
    assert (answer.status_code, answer.json["code"]) == (404, "rollout_not_found")


def test_rollouts_are_an_admins_and_are_audited(
    client: FlaskClient, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    def bearer(*scopes: Scope) -> dict[str, str]:
        keys = KeyStore(services.store.scripts)
        return {"Authorization": f"Bearer {keys.create('k', owner='k', scopes=frozenset(scopes))[1]}"}

    admin, plain = bearer(Scope.ADMIN), bearer(Scope.READ, Scope.SUBMIT)
    body = {"version": "5", "share": 0.1}
    assert client.put(ROLLOUT, json=body, headers=plain).status_code == 403
    assert client.delete(ROLLOUT, headers=plain).status_code == 403
    with caplog.at_level(logging.INFO, "atelier.audit"):
        client.put(ROLLOUT, json=body, headers=admin)
        seen = client.get(VERSIONS, headers=plain).json
        client.delete(ROLLOUT, headers=admin)
    told = [
        (line.event, line.subject) for line in caplog.records if getattr(line, "event", "").startswith("roll")
    ]
    assert told == [("rollout_set", NEW), ("rolled_back", NEW)]
    assert (seen["rollout"]["by"], seen["data"][1]["outcomes"], seen["data"][1]["workers"]) == (
        None,
        None,
        None,
    )


def test_predictions_name_a_version_by_its_id(client: FlaskClient) -> None:
    listed = client.get(f"/replicate/v1/models/atelier/{NAME}/versions").json["results"]
    ids = [version["id"] for version in listed]
    assert len(ids) == 2

    def made(version: str) -> Any:
        return client.post("/replicate/v1/predictions", json={"version": version, "input": {"seed": 1}}).json

    new = made(ids[1])
    assert (new["model"], new["version"]) == (f"atelier/{NAME}", ids[1])
    assert client.get(f"/v1/jobs/{new['id']}").json["input"]["model"] == NEW
    roll_out(client, 1.0)
    assert made(ids[0])["version"] == ids[0]
    assert made(f"atelier/{NAME}")["version"] == ids[1]
