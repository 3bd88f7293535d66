"""`not_before`: a job or a batch waits for its time, starts then, and sooner where it is told to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.identifiers import ANONYMOUS
from shared.redis.client import Client
from tests.support.jobs.fake_worker import FakeWorker

DIGIT = {"type": "generate", "seed": 7}
HOUR = 3_600_000  # milliseconds


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def submit(client: FlaskClient, seconds: float = 3600, **more: Any) -> Any:
    response = client.post("/v1/jobs", json={**DIGIT, "not_before": in_seconds(seconds), **more})
    assert response.status_code == 202, response.json
    return response.json


def begin(client: FlaskClient, seconds: float = 3600, items: int = 5, **more: Any) -> Any:
    body = {"items": [{**DIGIT, "seed": seed} for seed in range(items)], "not_before": in_seconds(seconds)}
    response = client.post("/v1/batches", json={**body, **more})
    assert response.status_code == 202, response.json
    return response.json


def claimed(services: Services) -> list[str]:
    return [job.id for job in services.store.claim_next("w", most=100)]


def pass_hours(client: Client, hours: float = 2) -> None:
    """Have so much time pass for what waits for its time: the server's clock cannot be set."""
    for name in client.zrange("atelier:delayed", 0, -1):
        client.zincrby("atelier:delayed", -hours * HOUR, name)
        client.hincrby(f"atelier:job:{name}", "not_before", -int(hours * HOUR))
    for name in client.zrange("atelier:delayed-batches", 0, -1):
        client.zincrby("atelier:delayed-batches", -hours * HOUR, name)
        client.hincrby(f"atelier:batch:{name}", "not_before", -int(hours * HOUR))


def test_a_job_waits_for_its_time_and_starts_then(client: FlaskClient, services: Services) -> None:
    job = submit(client)
    assert (job["status"], job["not_before"] is not None) == ("queued", True)
    services.store.reap()
    assert claimed(services) == []
    pass_hours(services.store.client)
    services.store.reap()
    assert claimed(services) == [job["id"]]
    assert client.get(f"/v1/jobs/{job['id']}").json["not_before"] is None


def test_a_time_that_is_over_is_none(client: FlaskClient, services: Services) -> None:
    job = submit(client, seconds=-3600)
    assert job["not_before"] is None
    assert claimed(services) == [job["id"]]


def test_the_eta_of_a_job_counts_the_wait(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce(slots=1)
    job = submit(client)
    work = services.store.client.hget(f"atelier:job:{job['id']}", "work")
    services.store.client.hset("atelier:pace", work, "2000 2000 1")
    queue = client.get(f"/v1/jobs/{job['id']}").json["queue"]
    assert queue["position"] == 1
    assert queue["eta_seconds"] == pytest.approx(3602, abs=10)


def test_a_form_gives_the_time_too(client: FlaskClient, services: Services) -> None:
    response = client.post("/v1/jobs/generate", data={"seed": "7", "not_before": in_seconds(3600)})
    assert response.status_code == 202
    assert response.json["not_before"] is not None
    assert claimed(services) == []


def test_requeue_starts_a_job_sooner(client: FlaskClient, services: Services) -> None:
    job = submit(client)
    assert client.post(f"/v1/jobs/{job['id']}/requeue").json["status"] == "queued"
    assert claimed(services) == [job["id"]]


def test_a_canceled_job_does_not_come_back_at_its_time(client: FlaskClient, services: Services) -> None:
    job = submit(client)
    client.post(f"/v1/jobs/{job['id']}/cancel")
    pass_hours(services.store.client)
    services.store.reap()
    assert claimed(services) == []
    assert services.store.client.zcard("atelier:delayed") == 0


def test_a_retry_starts_at_once(client: FlaskClient, services: Services) -> None:
    job = submit(client)
    client.post(f"/v1/jobs/{job['id']}/cancel")
    again = client.post(f"/v1/jobs/{job['id']}/retry").json
    assert again["not_before"] is None
    assert claimed(services) == [again["id"]]


def test_another_time_is_another_request(client: FlaskClient) -> None:
    body = {**DIGIT, "not_before": in_seconds(3600)}
    headers = {"Idempotency-Key": "one"}
    first = client.post("/v1/jobs", json=body, headers=headers)
    assert client.post("/v1/jobs", json=body, headers=headers).json["id"] == first.json["id"]
    later = client.post("/v1/jobs", json={**body, "not_before": in_seconds(7200)}, headers=headers)
    assert later.status_code == 422


def test_an_equal_job_does_not_wait_for_the_time_of_another(client: FlaskClient, services: Services) -> None:
    later = submit(client, cache=True)
    now = client.post("/v1/jobs", json={**DIGIT, "cache": True}).json
    assert claimed(services) == [now["id"]]
    client.post(f"/v1/jobs/{now['id']}/cancel")  # the one that follows it leads, and waits for its time
    assert claimed(services) == []
    pass_hours(services.store.client)
    services.store.reap()
    assert claimed(services) == [later["id"]]


def test_an_equal_job_does_not_wait_for_the_time_of_a_batch(client: FlaskClient, services: Services) -> None:
    begin(client, items=8, cache=True, lane="interactive")
    now = client.post("/v1/jobs", json={**DIGIT, "cache": True}).json
    assert claimed(services) == [now["id"]]


@pytest.mark.parametrize("what", ["/v1/jobs", "/v1/batches"])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2099-01-01T00:00:00Z", "at most 2592000 s ahead"),
        ("tomorrow", "not_before"),
        ("2030-01-01T00:00:00", "not_before"),  # no zone
        (1_900_000_000, "not_before"),
    ],
)
def test_a_time_that_cannot_be_is_a_422(client: FlaskClient, what: str, value: Any, said: str) -> None:
    body = {"items": [DIGIT]} if what == "/v1/batches" else DIGIT
    response = client.post(what, json={**body, "not_before": value})
    (fault,) = response.json["errors"]
    assert (response.status_code, fault["pointer"]) == (422, "/not_before")
    assert said in fault["detail"]


@pytest.mark.parametrize("what", ["/v1/jobs", "/v1/batches"])
def test_a_job_that_would_expire_first_is_a_422(client: FlaskClient, what: str) -> None:
    body = {"items": [DIGIT]} if what == "/v1/batches" else DIGIT
    response = client.post(what, json={**body, "not_before": in_seconds(100), "deadline_seconds": 60})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/not_before")
    assert "deadline_seconds" in response.json["errors"][0]["detail"]


def test_an_item_has_no_time_of_its_own(client: FlaskClient) -> None:
    items = [DIGIT, {**DIGIT, "not_before": in_seconds(60)}]
    response = client.post("/v1/batches", json={"items": items})
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "/items/1/not_before"


def test_a_batch_waits_for_its_time_and_starts_then(client: FlaskClient, services: Services) -> None:
    batch = begin(client)
    assert (batch["status"], batch["not_before"] is not None) == ("running", True)
    services.store.reap()
    assert claimed(services) == []
    pass_hours(services.store.client)
    (waiting,) = [line for line in services.store.reap().lines if line.waiting]  # who is rung for
    assert (waiting.lane, waiting.waiting) == ("bulk", 5)
    assert len(claimed(services)) == 5


def test_what_is_behind_a_batch_that_waits_goes_before_it(client: FlaskClient, services: Services) -> None:
    begin(client)
    job = client.post("/v1/jobs", json={**DIGIT, "lane": "bulk"}).json
    assert job["queue"]["position"] == 1
    assert services.queries.depths()["bulk"] == 1  # type: ignore[index]
    assert claimed(services) == [job["id"]]


def test_to_wait_costs_one_entry_however_many_items(client: FlaskClient, services: Services) -> None:
    begin(client, items=200)
    assert services.store.client.zcard("atelier:delayed") == 0
    assert services.store.client.zcard("atelier:delayed-batches") == 1
    assert client.get("/v1/stats").json["delayed"] == 200


def test_items_that_wait_with_their_batch_tell_place_and_time(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce(slots=1)
    batch = begin(client)
    items = client.get(batch["urls"]["items"]).json["data"]
    assert [item["queue"]["position"] for item in items] == [1, 2, 3, 4, 5]
    work = services.store.client.hget(f"atelier:job:{items[0]['id']}", "work")
    services.store.client.hset("atelier:pace", work, "2000 2000 1")
    eta = client.get(batch["urls"]["self"]).json["progress"]["eta_seconds"]
    assert eta == pytest.approx(3610, abs=5)


def test_resume_starts_a_batch_sooner(client: FlaskClient, services: Services) -> None:
    batch = begin(client)
    assert client.post(batch["urls"]["resume"]).json["status"] == "running"
    assert len(claimed(services)) == 5
    assert services.store.client.zcard("atelier:delayed-batches") == 0


def test_a_batch_that_is_paused_at_its_time_stays_paused(client: FlaskClient, services: Services) -> None:
    batch = begin(client)
    client.post(batch["urls"]["pause"])
    pass_hours(services.store.client)
    services.store.reap()
    assert claimed(services) == []
    client.post(batch["urls"]["resume"])
    assert len(claimed(services)) == 5


def test_a_batch_that_is_canceled_before_its_time_is_over(client: FlaskClient, services: Services) -> None:
    batch = begin(client)
    assert client.post(batch["urls"]["cancel"]).json["counts"]["canceled"] == 5
    assert services.store.client.zcard("atelier:delayed-batches") == 0
    assert client.delete(batch["urls"]["self"]).status_code == 204


def test_items_that_are_added_wait_too(client: FlaskClient, services: Services) -> None:
    batch = begin(client, items=2, open=True)
    client.post(batch["urls"]["items"], json={"items": [DIGIT]}, query_string={"first": 2})
    assert claimed(services) == []
    pass_hours(services.store.client)
    services.store.reap()
    assert len(claimed(services)) == 3
    assert services.batches.get(batch["id"], ANONYMOUS).counts["running"] == 3


def test_lines_take_the_time_in_the_query(client: FlaskClient, services: Services) -> None:
    response = client.post(
        "/v1/batches",
        query_string={"not_before": in_seconds(3600)},
        data='{"type": "generate", "seed": 1}\n',
        content_type="application/jsonl",
    )
    assert response.status_code == 202
    assert claimed(services) == []


def test_what_waits_for_its_time_is_moved_and_waits_on(client: FlaskClient, services: Services) -> None:
    """At its time it goes to the place, and into the lane, that it was moved to."""
    first = submit(client, seconds=-1)
    job, batch = submit(client, lane="bulk"), begin(client, items=2, lane="bulk")
    for path in (f"jobs/{job['id']}", f"batches/{batch['id']}"):
        moved = client.post(f"/v1/{path}/move", json={"to": "front", "lane": "interactive"}).json
        assert moved["not_before"] is not None
    assert claimed(services) == [first["id"]]
    pass_hours(services.store.client)
    services.store.reap()
    last = submit(client, seconds=-1)
    started = [services.store.claim_next("w")[0].id for _ in range(4)]
    items = [f"job_{batch['id'].removeprefix('batch_')}-{index}" for index in range(2)]
    assert started == [*items, job["id"], last["id"]]
