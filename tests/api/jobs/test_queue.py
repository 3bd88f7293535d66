"""What waiting jobs say of their place and time, behind batches and within them."""

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.jobs.job import Job
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import FakeWorker

DIGIT = {"type": "generate", "seed": 7}


def begin(client: FlaskClient, items: int) -> dict[str, Any]:
    body = {"items": [{**DIGIT, "seed": seed} for seed in range(items)]}
    batch: dict[str, Any] = client.post("/v1/batches", json=body).json
    return batch


def submit(client: FlaskClient, **more: object) -> Any:
    return client.post("/v1/jobs", json={**DIGIT, **more})


def learn(services: Services, seconds: float, *, times: int = 1) -> None:
    """Have the pace of single digits be known, as if such jobs had been carried out."""
    work = services.store.client.hget(f"atelier:job:{probe(services).id}", "work")
    milliseconds = 1000 * seconds
    services.store.client.hset("atelier:pace", work, f"{milliseconds} {milliseconds} {times}")


def probe(services: Services) -> Job:
    (job, *_) = services.queries.page("anonymous").items
    return job


def test_a_job_behind_a_batch_is_told_how_many_items_go_before_it(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce(slots=1)
    submit(client)
    learn(services, 0.155)
    begin(client, 599)
    response = submit(client, lane="bulk")
    queue = response.json["queue"]
    assert (queue["lane"], queue["position"]) == ("bulk", 601)  # behind 599 items, and the interactive job
    assert queue["eta_seconds"] == pytest.approx(601 * 0.155, abs=0.1)
    assert response.headers["Retry-After"] == "30"


@pytest.mark.parametrize(("seconds", "header"), [(0.02, "1"), (3.4, "4"), (200, "30")])
def test_when_to_ask_again_follows_the_time_that_is_left(
    client: FlaskClient, services: Services, worker: FakeWorker, seconds: float, header: str
) -> None:
    worker.announce(slots=1)
    job_id = submit(client).json["id"]
    learn(services, seconds)
    response = client.get(f"/v1/jobs/{job_id}")
    assert response.json["queue"]["eta_seconds"] == pytest.approx(seconds, abs=0.06)
    assert response.headers["Retry-After"] == header


def test_items_of_a_batch_have_their_places(client: FlaskClient) -> None:
    batch = begin(client, 5)
    items = client.get(batch["urls"]["items"]).json["data"]
    assert [item["queue"]["position"] for item in items] == [1, 2, 3, 4, 5]
    client.post(f"/v1/jobs/{items[1]['id']}/cancel")
    items = client.get(batch["urls"]["items"]).json["data"]
    assert [item["queue"] and item["queue"]["position"] for item in items] == [1, None, 2, 3, 4]


def test_items_of_a_paused_batch_have_none_and_hold_nobody_up(client: FlaskClient) -> None:
    batch = begin(client, 5)
    last = submit(client, lane="bulk").json
    client.post(batch["urls"]["pause"])
    (item, *_) = client.get(batch["urls"]["items"]).json["data"]
    assert (item["queue"]["lane"], item["queue"]["reason"]) == ("bulk", "paused")
    assert (item["queue"]["position"], item["queue"]["eta_seconds"]) == (None, None)
    assert client.get(last["urls"]["self"]).json["queue"]["position"] == 1
    client.post(batch["urls"]["resume"])
    assert client.get(last["urls"]["self"]).json["queue"]["position"] == 6


def test_a_job_that_follows_an_equal_one_has_its_place(client: FlaskClient, worker: FakeWorker) -> None:
    leader = submit(client, cache=True).json
    submit(client, seed=8)
    follower = submit(client, cache=True).json
    assert follower["queue"]["position"] == leader["queue"]["position"] == 1
    worker.claim(leader["id"])
    queue = client.get(follower["urls"]["self"]).json["queue"]
    assert (queue["position"], queue["eta_seconds"]) == (None, None)


def test_time_that_passes_wakes_nobody_who_waits_for_news(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce(slots=1)
    first = worker.claim(submit(client).json["id"])
    path = submit(client).json["urls"]["self"]
    learn(services, 24)
    known = client.get(path)
    services.store.client.hincrby(f"atelier:job:{first.id}", "started_at", -2000)
    later = client.get(path)
    assert known.json["queue"]["eta_seconds"] - later.json["queue"]["eta_seconds"] >= 2
    assert later.headers["ETag"] == known.headers["ETag"]
    services.store.client.hincrby(f"atelier:job:{first.id}", "started_at", -15000)
    assert client.get(path).headers["ETag"] != known.headers["ETag"]


def test_the_size_of_a_picture_is_part_of_what_a_job_costs(client: FlaskClient, services: Services) -> None:
    works = []
    for side in (64, 512):
        content = {"content": (BytesIO(png(side, side)), "photo.png")}
        style = {"style": (BytesIO(png(32, 32)), "style.png")}
        job = client.post("/v1/jobs/stylize", data={**content, **style}).json
        works.append(services.store.client.hget(f"atelier:job:{job['id']}", "work"))
        batch = {"items": [job["input"]], "lane": "interactive"}
        item = client.get(client.post("/v1/batches", json=batch).json["urls"]["items"]).json["data"][0]
        assert services.store.client.hget(f"atelier:job:{item['id']}", "work") == works[-1]
    assert len(set(works)) == 2


def progress_of(client: FlaskClient, batch: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(batch["urls"]["self"]).json["progress"]
    return found


def test_a_batch_is_told_the_time_until_its_last_item_is_done(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce(slots=2)
    submit(client)
    learn(services, 2)
    first, second = begin(client, 5), begin(client, 4)
    # Behind the interactive job; two at a time.
    assert progress_of(client, first)["eta_seconds"] == pytest.approx(6, abs=2)
    response = client.get(second["urls"]["self"])
    assert response.json["progress"]["eta_seconds"] == pytest.approx(10, abs=2)
    assert 8 <= int(response.headers["Retry-After"]) <= 12
    listed = client.get("/v1/batches").json["data"]
    assert [batch["progress"]["eta_seconds"] for batch in listed] == [
        pytest.approx(10, abs=2),
        pytest.approx(6, abs=2),
    ]


def test_a_batch_of_which_no_item_waits_takes_as_long_as_its_longest_running_one(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce(slots=4)
    submit(client)
    learn(services, 49)
    batch = begin(client, 2)
    jobs = [worker.claim(item["id"]) for item in client.get(batch["urls"]["items"]).json["data"]]
    services.store.client.hincrby(f"atelier:job:{jobs[0].id}", "started_at", -20000)
    assert progress_of(client, batch)["eta_seconds"] == pytest.approx(49, abs=1)
    worker.succeed(jobs[1])
    learn(services, 49)
    assert progress_of(client, batch)["eta_seconds"] == pytest.approx(29, abs=1)
    worker.succeed(jobs[0])
    assert progress_of(client, batch)["eta_seconds"] is None


def test_a_batch_that_does_not_go_on_has_no_time(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce(slots=1)
    submit(client)
    learn(services, 2)
    batch = begin(client, 5)
    client.post(batch["urls"]["pause"])
    assert progress_of(client, batch)["eta_seconds"] is None
    client.post(batch["urls"]["resume"])
    assert progress_of(client, batch)["eta_seconds"] == pytest.approx(12, abs=1)
    empty = client.post("/v1/batches", json={"open": True}).json
    assert progress_of(client, empty)["eta_seconds"] is None


def test_a_time_of_a_batch_that_counts_down_is_no_news(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce(slots=1)
    submit(client)
    learn(services, 24)
    batch = begin(client, 1)
    (item,) = client.get(batch["urls"]["items"]).json["data"]
    job = worker.claim(item["id"])
    services.store.client.hincrby(f"atelier:job:{job.id}", "started_at", -1000)
    known = client.get(batch["urls"]["self"])
    services.store.client.hincrby(f"atelier:job:{job.id}", "started_at", -1000)
    later = client.get(batch["urls"]["self"])
    assert later.json["progress"]["eta_seconds"] < known.json["progress"]["eta_seconds"]
    assert later.headers["ETag"] == known.headers["ETag"]


def test_items_that_end_together_do_not_blow_up_the_rate(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = begin(client, 3)
    jobs = [worker.claim(item["id"]) for item in client.get(batch["urls"]["items"]).json["data"]]
    services.store.client.hincrby(f"atelier:batch:{batch['id']}", "began_at", -2000)
    for job in jobs[:2]:
        worker.succeed(job)
    assert progress_of(client, batch)["rate_per_second"] == pytest.approx(1, abs=0.2)
    client.post(batch["urls"]["pause"])
    client.post(batch["urls"]["resume"])
    assert progress_of(client, batch)["rate_per_second"] is None


@pytest.mark.parametrize("ask", ["job", "list"])
def test_a_job_that_is_claimed_while_it_is_read_is_not_told_as_queued(
    client: FlaskClient,
    services: Services,
    worker: FakeWorker,
    monkeypatch: pytest.MonkeyPatch,
    ask: str,
) -> None:
    job_id = submit(client).json["id"]
    scripts = services.store.scripts
    run = scripts.run

    def claimed_first(name: str, *arguments: str) -> Any:
        if name == "jobs/place":
            worker.claim(job_id)
        return run(name, *arguments)

    def claimed_between(record: Any, place: Any) -> Any:
        return [scripts.client.execute_command(*record), claimed_first(*place)]

    monkeypatch.setattr(scripts, "run", claimed_first)
    monkeypatch.setattr(scripts, "run_together", claimed_between)
    url = "/v1/jobs" if ask == "list" else f"/v1/jobs/{job_id}"
    told = client.get(url).json
    job = told["data"][0] if ask == "list" else told
    assert (job["status"], job["queue"]) == ("running", None)
