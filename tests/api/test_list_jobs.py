"""GET /v1/jobs."""

import pytest
from flask.testing import FlaskClient

from tests.support.fake_worker import FakeWorker


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


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("limit=0", "/limit", "out_of_range"),
        ("limit=201", "/limit", "out_of_range"),
        ("limit=many", "/limit", "invalid_type"),
        ("cursor=x", "/cursor", "invalid_format"),
        ("status=done", "/status", "invalid_choice"),
        ("type=paint", "/type", "invalid_choice"),
        ("staus=queued", "/staus", "unknown_field"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(client: FlaskClient, query: str, pointer: str, code: str) -> None:
    response = client.get(f"/v1/jobs?{query}")
    assert response.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in response.json["errors"]] == [(pointer, code)]
