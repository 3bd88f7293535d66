"""GET /v1/jobs."""

import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.images.pictures import png
from tests.support.jobs.batches import run_all
from tests.support.jobs.fake_worker import FakeWorker


def submit(client: FlaskClient, count: int) -> list[str]:
    return [client.post("/v1/jobs", json={"type": "generate", "seed": i}).json["id"] for i in range(count)]


def ids(response: object) -> list[str]:
    return [job["id"] for job in response.json["data"]]  # type: ignore[attr-defined]


def test_jobs_come_newest_first_page_by_page(client: FlaskClient) -> None:
    known = submit(client, 5)
    first = client.get("/v1/jobs?limit=3")
    assert ids(first) == known[:1:-1]
    link = first.headers["Link"]
    assert link.endswith('>; rel="next"')
    second = client.get(link[1 : link.index(">")])
    assert ids(second) == known[1::-1]
    assert second.json["next_cursor"] is None
    assert "Link" not in second.headers


def test_jobs_are_filtered_by_status_and_type(client: FlaskClient, worker: FakeWorker) -> None:
    first, second = submit(client, 2)
    worker.run(first)
    assert ids(client.get("/v1/jobs?status=succeeded")) == [first]
    assert ids(client.get("/v1/jobs?status=queued&type=generate")) == [second]
    assert ids(client.get("/v1/jobs?type=stylize")) == []


def test_dead_jobs_are_found_by_reason_model_and_worker(client: FlaskClient, worker: FakeWorker) -> None:
    dead, fine, waiting = submit(client, 3)
    worker.fail(worker.claim(dead))
    worker.run(fine)
    (job,) = client.get("/v1/jobs?status=failed").json["data"]
    assert (job["id"], job["error"]["code"], job["error"]["detail"]) == (
        dead,
        "corrupt_image",
        "it ends early",
    )
    assert [(a["number"], a["outcome"], a["code"]) for a in job["attempts"]] == [
        (1, "failed", "corrupt_image")
    ]
    assert ids(client.get("/v1/jobs?code=corrupt_image")) == [dead]
    assert ids(client.get("/v1/jobs?worker=w1")) == [fine, dead]
    assert ids(client.get("/v1/jobs?model=mnist-dcgan&status=queued")) == [waiting]
    assert ids(client.get("/v1/jobs?model=magenta-mobile")) == []


def test_jobs_are_found_by_the_lane_in_which_they_are(client: FlaskClient, worker: FakeWorker) -> None:
    first, moved = submit(client, 2)
    item = {"type": "generate", "seed": 3}
    batch = client.post("/v1/batches", json={"items": [item], "lane": "interactive"}).json["id"]
    client.post(f"/v1/jobs/{moved}/move", json={"lane": "bulk"})
    client.post(f"/v1/batches/{batch}/move", json={"lane": "bulk"})
    one = f"job_{batch.removeprefix('batch_')}-0"
    worker.run(one)
    assert ids(client.get("/v1/jobs?lane=interactive&items=true")) == [first]
    assert ids(client.get("/v1/jobs?lane=bulk&items=true")) == [one, moved]
    assert client.get("/v1/jobs?lane=bulk&items=true&fields=id").json["data"] == [{"id": one}, {"id": moved}]


def test_jobs_are_found_by_metadata_version_and_time(client: FlaskClient, worker: FakeWorker) -> None:
    body = {"type": "generate", "seed": 1}
    first = client.post("/v1/jobs", json={**body, "metadata": {"for": "the wall", "a": "b=c"}}).json
    second = client.post("/v1/jobs", json={**body, "metadata": {"for": "the door"}}).json
    worker.run(second["id"])

    def found(**query: str) -> list[str]:
        return ids(client.get("/v1/jobs", query_string=query))

    assert found(metadata="for=the wall") == [first["id"]]
    assert found(metadata="a=b=c") == [first["id"]]
    assert found(metadata="for=") == []
    assert found(model_version="1") == [second["id"]]
    assert found(since=second["created_at"], until="2100-01-01T00:00:00Z", metadata="for=the door") == [
        second["id"]
    ]
    assert found(until=first["created_at"]) == []
    assert found(since="2100-01-01T00:00:00+09:00") == []


def test_jobs_are_found_by_style(client: FlaskClient) -> None:
    file, other = (
        client.post("/v1/files", data={"file": (io.BytesIO(png(width)), "a.png")}).json["id"]
        for width in (32, 40)
    )
    client.post("/v1/styles", json={"name": "waves", "image": other})
    body = {"type": "stylize", "content": file}
    by_file = client.post("/v1/jobs", json={**body, "styles": [{"image": file}]}).json["id"]
    by_name = client.post("/v1/jobs", json={**body, "styles": [{"name": "waves"}, {"image": file}]}).json[
        "id"
    ]
    client.post("/v1/jobs", json={"type": "generate"})

    def found(style: str) -> list[str]:
        return ids(client.get("/v1/jobs", query_string={"style": style, "fields": "id"}))

    assert found("waves") == [by_name]
    assert found(file) == [by_name, by_file]
    assert found("19") == []
    action = client.post("/v1/actions", json={"do": "cancel", "filter": {"style": "waves"}, "dry_run": True})
    assert (action.status_code, action.json["filter"]["style"]) == (202, "waves")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("since", "yesterday"),
        ("until", "2026-01-01"),
        ("metadata", "for"),
        ("metadata", "=x"),
        ("lane", "fast"),
    ],
)
def test_a_filter_that_is_none_is_a_422(client: FlaskClient, name: str, text: str) -> None:
    response = client.get("/v1/jobs", query_string={name: text})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, f"/{name}")


def test_items_are_found_by_batch_and_name(client: FlaskClient) -> None:
    items = [{"type": "generate", "seed": n, "custom_id": f"n{n}"} for n in range(3)]
    batches = [client.post("/v1/batches", json={"items": items}).json["id"] for _ in range(2)]
    query = {"items": "true", "batch": batches[0]}
    assert len(ids(client.get("/v1/jobs", query_string=query))) == 3
    (job,) = client.get("/v1/jobs", query_string={**query, "custom_id": "n1"}).json["data"]
    assert (job["batch_id"], job["index"]) == (batches[0], 1)


@pytest.fixture
def batch(client: FlaskClient, worker: FakeWorker) -> dict[str, Any]:
    """A batch of six items, two of which failed, after a job that failed and before one that waits."""
    (dead,) = submit(client, 1)
    worker.fail(worker.claim(dead))
    items = [{"type": "generate", "seed": seed} for seed in range(6)]
    batch = client.post("/v1/batches", json={"items": items}).json
    run_all(client, worker, batch, failing={1, 4}, most=5)
    submit(client, 1)
    return {**batch, "dead": dead}


def item_ids(batch: dict[str, Any], *indexes: int) -> list[str]:
    return [f"job_{batch['id'][6:]}-{index}" for index in indexes]


@pytest.mark.parametrize(
    "query", ["status=failed", "status=failed&code=corrupt_image", "status=failed&worker=w1"]
)
def test_failed_items_of_batches_are_listed_among_failed_jobs(
    client: FlaskClient, batch: dict[str, Any], query: str
) -> None:
    page = client.get(f"/v1/jobs?{query}")
    assert ids(page) == [*item_ids(batch, 4, 1), batch["dead"]]
    assert [job["batch_id"] for job in page.json["data"]] == [batch["id"], batch["id"], None]
    assert page.json["unlisted_items"] is None


def test_a_list_with_items_goes_on_page_by_page(client: FlaskClient, batch: dict[str, Any]) -> None:
    found, link = [], "/v1/jobs?status=failed&limit=1"
    while link:
        page = client.get(link)
        found += ids(page)
        header = page.headers.get("Link", "<>")
        link = header[1 : header.index(">")]
    assert found == [*item_ids(batch, 4, 1), batch["dead"]]


def test_other_lists_leave_items_out_and_say_how_many(client: FlaskClient, batch: dict[str, Any]) -> None:
    waiting = client.get("/v1/jobs?status=queued")
    assert (len(ids(waiting)), waiting.json["unlisted_items"]) == (1, 1)
    every = client.get("/v1/jobs?limit=1")
    assert (len(ids(every)), every.json["unlisted_items"]) == (1, 6)
    link = every.headers["Link"]
    later = client.get(link[1 : link.index(">")])
    assert later.json["unlisted_items"] is None


def test_items_are_listed_or_left_out_on_request(client: FlaskClient, batch: dict[str, Any]) -> None:
    assert ids(client.get("/v1/jobs?status=succeeded&items=true")) == item_ids(batch, 3, 2, 0)
    assert item_ids(batch, 5)[0] in ids(client.get("/v1/jobs?status=queued&items=true"))
    assert len(ids(client.get("/v1/jobs?items=true"))) == 8
    without = client.get("/v1/jobs?status=failed&items=false")
    assert (ids(without), without.json["unlisted_items"]) == ([batch["dead"]], 2)


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("limit=0", "/limit", "out_of_range"),
        ("limit=201", "/limit", "out_of_range"),
        ("limit=many", "/limit", "invalid_type"),
        ("cursor=x", "/cursor", "invalid_format"),
        ("cursor=1.", "/cursor", "invalid_format"),
        ("items=some", "/items", "invalid_type"),
        ("status=done", "/status", "invalid_choice"),
        ("type=paint", "/type", "invalid_choice"),
        ("staus=queued", "/staus", "unknown_field"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(client: FlaskClient, query: str, pointer: str, code: str) -> None:
    response = client.get(f"/v1/jobs?{query}")
    assert response.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in response.json["errors"]] == [(pointer, code)]
