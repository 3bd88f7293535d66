"""GET /v1/jobs/{id}/preview, and what leads there."""

import json

import pytest
from flask.testing import FlaskClient

from shared.errors import StorageUnavailable
from shared.jobs.job import Job
from shared.jobs.store import JobStore
from tests.support.images.pictures import jpeg
from tests.support.jobs.fake_worker import FakeWorker

FIRST, SECOND = jpeg(20, 20), jpeg(24, 24)


@pytest.fixture
def running(client: FlaskClient, worker: FakeWorker) -> Job:
    return worker.claim(client.post("/v1/jobs", json={"type": "generate"}).json["id"])


def test_the_latest_preview_is_shown_and_not_kept(
    client: FlaskClient, worker: FakeWorker, running: Job
) -> None:
    worker.show(running, 10, 40, data=FIRST)
    worker.show(running, 20, 40, data=SECOND)
    progress = client.get(f"/v1/jobs/{running.id}").json["progress"]
    assert (progress["step"], progress["total"]) == (20, 40)
    assert progress["preview_url"] == f"http://localhost/v1/jobs/{running.id}/preview?step=20"
    response = client.get(progress["preview_url"])
    assert (response.data, response.mimetype) == (SECOND, "image/jpeg")
    assert response.headers["Cache-Control"] == "no-store"


def test_a_preview_stays_until_the_next_one(client: FlaskClient, worker: FakeWorker, running: Job) -> None:
    worker.show(running, 10, 40, data=FIRST)
    worker.report(running, 0.3)
    assert client.get(f"/v1/jobs/{running.id}").json["progress"]["preview_url"] is not None
    assert client.get(f"/v1/jobs/{running.id}/preview").data == FIRST


def test_events_tell_of_new_previews_and_of_no_keys(
    client: FlaskClient, worker: FakeWorker, running: Job
) -> None:
    worker.show(running, 10, 40)
    worker.report(running, 0.3)
    worker.succeed(running)
    text = client.get(f"/v1/jobs/{running.id}/events").text
    assert "outputs/" not in text.split("event: done")[0]
    told = [json.loads(line[6:]) for line in text.split("\n") if line.startswith('data: {"')]
    first, second = (data for data in told if "fraction" in data)
    assert first["preview_url"] == f"http://localhost/v1/jobs/{running.id}/preview?step=10"
    assert "preview_url" not in second


def test_a_job_without_a_preview_says_so(client: FlaskClient, worker: FakeWorker, running: Job) -> None:
    worker.report(running, 0.3)
    response = client.get(f"/v1/jobs/{running.id}/preview")
    assert (response.status_code, response.json["code"]) == (404, "preview_unavailable")
    assert client.get("/v1/jobs/job_0/preview").json["code"] == "job_not_found"


def test_a_job_that_is_done_or_waits_again_shows_none(
    client: FlaskClient, worker: FakeWorker, store: JobStore, running: Job
) -> None:
    worker.show(running, 10, 40)
    store.requeue(running.id, running.attempt, StorageUnavailable("the disk is away"))
    assert client.get(f"/v1/jobs/{running.id}/preview").json["code"] == "preview_unavailable"
    again = worker.claim(running.id)
    worker.report(again, 0.1)
    assert client.get(f"/v1/jobs/{running.id}").json["progress"]["preview_url"] is None
    worker.show(again, 10, 40)
    worker.succeed(again)
    assert client.get(f"/v1/jobs/{running.id}/preview").json["code"] == "preview_unavailable"
