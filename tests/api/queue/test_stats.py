"""/v1/stats: the numbers of the queue, compared with what was sent and done."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.workers import Worker
from tests.support.jobs.fake_worker import FakeWorker

GENERATE = {"type": "generate", "seeds": [1]}
BULK = {**GENERATE, "lane": "bulk"}


def bearer(services: Services, owner: str, *scopes: Scope) -> dict[str, str]:
    _, text = KeyStore(services.store.scripts).create(owner, owner=owner, scopes=frozenset(scopes))
    return {"Authorization": f"Bearer {text}"}


def stats(client: FlaskClient, **query: Any) -> dict[str, Any]:
    response = client.get("/v1/stats", query_string=query)
    assert response.status_code == 200, response.json
    assert response.headers["Cache-Control"] == "no-store"
    return dict(response.json)


def submit(client: FlaskClient, body: dict[str, Any], times: int = 1, **options: Any) -> list[str]:
    return [client.post("/v1/jobs", json=body, **options).json["id"] for _ in range(times)]


def test_an_empty_queue_has_zeros_and_both_lanes(client: FlaskClient) -> None:
    found = stats(client)
    assert [lane["lane"] for lane in found["lanes"]] == ["interactive", "bulk"]
    assert (found["models"], found["owners"]) == ([], [])
    assert (found["total"]["waiting"], found["total"]["running"], found["delayed"]) == (0, 0, 0)
    assert found["total"]["oldest_seconds"] is None
    assert found["workers"] == {"live": 0, "slots": 0, "wanted": 0, "numerics": []}
    assert 240 <= found["window_seconds"] <= 300


def test_what_waits_runs_and_has_ended_is_counted_by_lane(client: FlaskClient, worker: FakeWorker) -> None:
    first, second, *_ = submit(client, GENERATE, 5)
    submit(client, BULK, 3)
    worker.run(first)
    worker.claim(second)
    found = stats(client)
    interactive, bulk = found["lanes"]
    assert (interactive["waiting"], interactive["running"]) == (3, 1)
    assert (bulk["waiting"], bulk["running"]) == (3, 0)
    assert (found["total"]["waiting"], found["total"]["running"]) == (6, 1)
    assert [(model["model"], model["waiting"]) for model in found["models"]] == [("mnist-dcgan", 6)]
    assert [(owner["owner"], owner["waiting"]) for owner in found["owners"]] == [("anonymous", 6)]
    done = interactive["ended_a_minute"]
    assert done["succeeded"] == pytest.approx(1 / (found["window_seconds"] / 60), abs=0.01)
    assert (done["failed"], bulk["ended_a_minute"]["succeeded"]) == (0, 0)
    assert 0 <= interactive["oldest_seconds"] < 60


def test_every_end_is_counted_by_its_status(client: FlaskClient, worker: FakeWorker) -> None:
    failed, canceled, cached, equal = submit(client, {**GENERATE, "cache": True}, 4)
    worker.fail(worker.claim(failed))
    client.post(f"/v1/jobs/{canceled}/cancel")
    found = stats(client)
    minutes = found["window_seconds"] / 60
    ended = {status: round(rate * minutes) for status, rate in found["total"]["ended_a_minute"].items()}
    assert ended == {"succeeded": 0, "failed": 1, "canceled": 1, "expired": 0}
    assert found["total"]["waiting"] == 1, f"{equal} follows {cached}, and starts nothing"


def test_items_of_a_batch_wait_and_those_of_a_paused_one_do_not(client: FlaskClient) -> None:
    items = [{**GENERATE, "seeds": [number]} for number in range(7)]
    batch = client.post("/v1/batches", json={"items": items}).json["id"]
    submit(client, BULK)
    assert stats(client)["lanes"][1]["waiting"] == 8
    client.post(f"/v1/batches/{batch}/pause")
    bulk = stats(client)["lanes"][1]
    assert bulk["waiting"] == 1
    assert bulk["oldest_seconds"] is not None


def paused(found: dict[str, Any], kind: str) -> dict[str, tuple[int, int]]:
    """Return what waits and what is paused, by the names of a kind."""
    return {entry[kind]: (entry["waiting"], entry["paused"]) for entry in found[f"{kind}s"]}


@pytest.mark.parametrize(
    "scope", [{"lane": "bulk"}, {"model": "mnist-dcgan", "lane": "bulk"}, {"owner": "anonymous"}, {}]
)
def test_what_waits_behind_a_pause_is_counted_apart(client: FlaskClient, scope: dict[str, str]) -> None:
    submit(client, BULK, 2)
    client.post("/v1/batches", json={"items": [GENERATE] * 3})
    pause = client.post("/v1/pauses", json={"reason": "a test", **scope, "for_seconds": 60})
    assert pause.status_code == 201, pause.json
    found = stats(client)
    assert paused(found, "lane") == {"interactive": (0, 0), "bulk": (0, 5)}
    assert paused(found, "model") == {"mnist-dcgan": (0, 5)}
    assert paused(found, "owner") == {"anonymous": (0, 5)}
    assert (found["total"]["waiting"], found["total"]["paused"]) == (0, 5)
    assert (found["total"]["work_seconds"], found["total"]["oldest_seconds"]) == (0, None)
    client.delete(f"/v1/pauses/{pause.json['id']}")
    assert paused(stats(client), "lane")["bulk"] == (5, 0)


def test_an_owner_whose_batches_are_all_paused_is_there(client: FlaskClient, services: Services) -> None:
    items = [{**GENERATE, "seeds": [number]} for number in range(4)]
    batch = client.post("/v1/batches", json={"items": items}).json["urls"]
    client.post(batch["pause"])
    assert services.store.claim_next("w1") == []  # takes the owner out of the turns
    assert paused(stats(client), "owner") == {"anonymous": (0, 4)}
    client.post(f"{batch['self']}/move", json={"lane": "interactive"})
    assert paused(stats(client), "lane") == {"interactive": (0, 4), "bulk": (0, 0)}
    client.post(batch["cancel"])
    assert paused(stats(client), "owner") == {"anonymous": (0, 0)}


def test_a_batch_that_waits_for_its_time_is_delayed_and_one_behind_its_sample_paused(
    client: FlaskClient,
) -> None:
    later = {"not_before": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    early = client.post("/v1/batches", json={"items": [GENERATE] * 3, **later}).json["urls"]
    client.post("/v1/batches", json={"items": [GENERATE] * 5, "sample": 2})
    found = stats(client)
    assert (found["delayed"], paused(found, "lane")["bulk"]) == (3, (2, 3))
    client.post(early["pause"])
    found = stats(client)
    assert (found["delayed"], paused(found, "lane")["bulk"]) == (0, (2, 6)), "it is told as paused first"


def test_the_oldest_is_not_one_of_a_paused_batch(client: FlaskClient, services: Services) -> None:
    batch = client.post("/v1/batches", json={"items": [GENERATE]}).json["id"]
    (job,) = submit(client, BULK)
    key = services.store.scripts.keys("job", f"job_{batch.removeprefix('batch_')}-0")
    services.store.client.hincrby(key, "created_at", -3_600_000)
    assert stats(client)["total"]["oldest_seconds"] > 3600
    client.post(f"/v1/batches/{batch}/pause")
    assert stats(client)["total"]["oldest_seconds"] < 3600, job


def test_wanted_workers_grow_with_the_work_and_shrink_with_the_time(
    client: FlaskClient, worker: FakeWorker, services: Services
) -> None:
    worker.announce("mnist-dcgan", slots=2)
    worker.run(*submit(client, GENERATE))
    durations = services.store.scripts.keys("durations")
    for work in services.store.client.hkeys(durations):
        services.store.client.hset(durations, work, "10000")  # 10 s a job
    submit(client, GENERATE, 24)
    found = stats(client)
    assert found["total"]["work_seconds"] == pytest.approx(240, rel=0.01)
    assert found["workers"] == {"live": 1, "slots": 2, "wanted": 2, "numerics": []}
    assert stats(client, within=10)["workers"]["wanted"] == 12
    assert stats(client, within=3600)["workers"]["wanted"] == 1


def test_a_mixed_fleet_is_told(client: FlaskClient, services: Services) -> None:
    for name, numerics in (("a", "cpu-x"), ("b", "cpu-y"), ("c", "cpu-y"), ("old", "")):
        services.roster.announce(Worker(name, 1, (), numerics=numerics))
    found = stats(client)["workers"]
    assert found["numerics"] == [{"numerics": "cpu-y", "workers": 2}, {"numerics": "cpu-x", "workers": 1}]


def test_work_that_was_never_measured_is_null(client: FlaskClient) -> None:
    submit(client, GENERATE)
    found = stats(client)
    assert (found["total"]["work_seconds"], found["workers"]["wanted"]) == (None, None)


@pytest.mark.parametrize("within", ["0", "604801", "soon", "nan"])
def test_a_time_out_of_range_is_a_422(client: FlaskClient, within: str) -> None:
    response = client.get("/v1/stats", query_string={"within": within})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/within")


def test_with_keys_owners_are_told_apart_and_only_metrics_may_look(
    client: FlaskClient, services: Services
) -> None:
    anna, berta = (bearer(services, name, Scope.SUBMIT, Scope.READ) for name in ("anna", "berta"))
    monitor = bearer(services, "monitor", Scope.METRICS)
    submit(client, GENERATE, 2, headers=anna)
    submit(client, GENERATE, 3, headers=berta)
    assert client.get("/v1/stats", headers=anna).status_code == 403
    found = client.get("/v1/stats", headers=monitor).json
    assert [(owner["owner"], owner["waiting"]) for owner in found["owners"]] == [("berta", 3), ("anna", 2)]


def test_reading_changes_nothing(client: FlaskClient, services: Services) -> None:
    submit(client, GENERATE, 2)
    keys = sorted(services.store.client.scan_iter())
    before = [services.store.client.dump(key) for key in keys]
    stats(client)
    assert sorted(services.store.client.scan_iter()) == keys
    assert [services.store.client.dump(key) for key in keys] == before, json.dumps(keys)


def test_the_oldest_is_found_behind_what_was_moved_to_the_front(
    client: FlaskClient, services: Services
) -> None:
    old, _, young = submit(client, GENERATE, 3)
    services.store.client.hset(f"atelier:job:{old}", "created_at", 1)
    client.post(f"/v1/jobs/{young}/move", json={"to": "front"})
    assert stats(client)["total"]["oldest_seconds"] > 3600
