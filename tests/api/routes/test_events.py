"""GET /v1/jobs/{id}/events."""

import json
import threading
from collections.abc import Iterator

import httpx
from flask import Flask
from flask.testing import FlaskClient

from api.server.connections import WAITS
from api.server.threads import Waits
from tests.support.jobs.fake_worker import FakeWorker

GENERATE = {"type": "generate", "seed": 7}


def read(lines: Iterator[str]) -> list[dict[str, str]]:
    """Return the events of a stream that ends, each as its fields."""
    found: list[dict[str, str]] = [{}]
    for line in lines:
        if not line:
            found.append({})
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            found[-1][name] = value
    return [fields for fields in found if fields]


def follow(client: FlaskClient, job_id: str, last: str | None = None) -> list[dict[str, str]]:
    headers = {"Last-Event-ID": last} if last else {}
    return read(iter(client.get(f"/v1/jobs/{job_id}/events", headers=headers).text.split("\n")))


def finished(client: FlaskClient, worker: FakeWorker) -> str:
    job_id = str(client.post("/v1/jobs", json=GENERATE).json["id"])
    job = worker.claim(job_id)
    worker.report(job, 0.5)
    worker.succeed(job)
    return job_id


def test_a_finished_job_tells_its_whole_story(client: FlaskClient, worker: FakeWorker) -> None:
    retry, *events = follow(client, finished(client, worker))
    assert retry == {"retry": "2000"}
    assert [event["event"] for event in events] == ["state", "state", "progress", "state", "done"]
    assert json.loads(events[2]["data"]).items() >= {"stage": "predict", "fraction": 0.5}.items()
    assert json.loads(events[-1]["data"])["status"] == "succeeded"
    assert all(event["id"] for event in events)


def test_a_stream_resumes_after_the_last_event(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = finished(client, worker)
    whole = follow(client, job_id)
    assert follow(client, job_id, whole[2]["id"])[1:] == whole[3:]
    assert [event["event"] for event in follow(client, job_id, whole[-1]["id"])[1:]] == ["done"]


def test_events_come_as_they_happen(live: httpx.Client, worker: FakeWorker) -> None:
    job_id = live.post("/v1/jobs", json=GENERATE).json()["id"]
    with live.stream("GET", f"/v1/jobs/{job_id}/events") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["X-Accel-Buffering"] == "no"
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith("data")) == 'data: {"status": "queued"}'
        job = worker.claim(job_id)
        assert '"running"' in next(line for line in lines if line.startswith("data"))
        worker.succeed(job)
        assert [event["event"] for event in read(lines)] == ["state", "done"]


def test_a_client_that_leaves_no_longer_waits(app: Flask, live: httpx.Client) -> None:
    waits: Waits = app.extensions[WAITS]
    left = threading.Event()
    leave = waits.leave
    waits.leave = lambda: (leave(), left.set())  # type: ignore[method-assign,assignment,func-returns-value]
    job_id = live.post("/v1/jobs", json=GENERATE).json()["id"]
    with live.stream("GET", f"/v1/jobs/{job_id}/events") as response:
        next(response.iter_lines())
    assert left.wait(5)


def test_a_process_that_stops_ends_its_streams(app: Flask, client: FlaskClient) -> None:
    job_id = client.post("/v1/jobs", json=GENERATE).json["id"]
    app.extensions[WAITS].stopping = lambda: True
    assert follow(client, job_id) == [{"retry": "2000"}]


def test_a_stream_of_a_forgotten_job_ends(live: httpx.Client, worker: FakeWorker) -> None:
    job_id = live.post("/v1/jobs", json=GENERATE).json()["id"]
    with live.stream("GET", f"/v1/jobs/{job_id}/events") as response:
        lines = response.iter_lines()
        next(line for line in lines if line.startswith("data"))
        worker.run(job_id)
        assert live.delete(f"/v1/jobs/{job_id}").status_code == 204
        assert len(list(lines)) < 20


def test_too_many_listeners_are_told_to_poll(app: Flask, client: FlaskClient) -> None:
    job_id = client.post("/v1/jobs", json=GENERATE).json["id"]
    while app.extensions[WAITS].take():
        pass
    response = client.get(f"/v1/jobs/{job_id}/events")
    assert (response.status_code, response.json["code"]) == (503, "too_many_listeners")
    assert response.headers["Retry-After"]
    assert client.get(f"/v1/jobs/{job_id}?wait=5").status_code == 200


def test_an_event_id_that_is_none_is_a_400(client: FlaskClient) -> None:
    job_id = client.post("/v1/jobs", json=GENERATE).json["id"]
    response = client.get(f"/v1/jobs/{job_id}/events", headers={"Last-Event-ID": "newest"})
    assert (response.status_code, response.json["code"]) == (400, "invalid_header")


def test_there_are_no_events_of_an_unknown_job(client: FlaskClient) -> None:
    assert client.get("/v1/jobs/job_0/events").json["code"] == "job_not_found"
