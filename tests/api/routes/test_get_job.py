"""GET /v1/jobs/{id}, long polls included."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.errors import StorageUnavailable
from shared.jobs.store import JobStore
from tests.support.jobs.fake_worker import NOT_TOLD, FakeWorker

GENERATE = {"type": "generate", "seed": 7}


def submit(client: FlaskClient) -> str:
    return str(client.post("/v1/jobs", json=GENERATE).json["id"])


def test_a_finished_job_lists_its_pictures(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = submit(client)
    worker.run(job_id)
    job = client.get(f"/v1/jobs/{job_id}").json
    assert (job["status"], job["done"], job["queue"], job["progress"]) == ("succeeded", True, None, None)
    assert job["outputs"][0]["url"] == f"http://localhost/v1/jobs/{job_id}/outputs/0"
    assert job["model"] == {"name": "mnist-dcgan", "version": "1", "digest": "d" * 64, **NOT_TOLD}
    assert set(job["timings"]) == {"queued", "predict"}
    assert job["created_at"] <= job["started_at"] <= job["completed_at"] < job["expires_at"]
    assert job["created_at"].endswith("Z")
    assert len(job["created_at"]) == len("2026-01-01T00:00:00.000Z")


def test_a_finished_job_says_what_to_know_of_its_result(client: FlaskClient, worker: FakeWorker) -> None:
    plain, warned = submit(client), submit(client)
    worker.run(plain)
    worker.succeed(worker.claim(warned), warnings=("truncated",))
    assert client.get(f"/v1/jobs/{plain}").json["warnings"] == []
    assert client.get(f"/v1/jobs/{warned}").json["warnings"] == ["truncated"]


def test_a_running_job_tells_its_progress(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = submit(client)
    worker.report(worker.claim(job_id), 0.5)
    response = client.get(f"/v1/jobs/{job_id}")
    known = {"stage": "predict", "fraction": 0.5}
    assert response.json["progress"] == {**known, "step": None, "total": None, "preview_url": None}
    assert (response.json["worker"], response.json["attempt"]) == ("w1", 1)
    assert response.headers["Retry-After"] == "1"


def test_a_failed_job_carries_a_problem(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = submit(client)
    worker.fail(worker.claim(job_id))
    error = client.get(f"/v1/jobs/{job_id}").json["error"]
    assert (error["code"], error["type"]) == ("corrupt_image", "/problems/corrupt_image")
    assert error["errors"][0]["pointer"] == "/content"


def test_an_exhausted_job_names_the_cause(client: FlaskClient, worker: FakeWorker, store: JobStore) -> None:
    job_id = submit(client)
    for _ in range(store.rules.max_attempts):
        job = worker.claim(job_id)
        store.requeue(job_id, job.attempt, StorageUnavailable("the disk is away"))
    error = client.get(f"/v1/jobs/{job_id}").json["error"]
    assert (error["code"], error["cause"]["code"]) == ("attempts_exhausted", "storage_unavailable")


def test_an_unchanged_job_is_a_304(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = submit(client)
    tag = client.get(f"/v1/jobs/{job_id}").headers["ETag"]
    assert not tag.startswith("W/")
    same = client.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": tag})
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
    worker.claim(job_id)
    assert client.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": tag}).status_code == 200


def test_an_unknown_job_is_a_404(client: FlaskClient) -> None:
    for name in ("job_0", "no such", "x" * 300):
        response = client.get(f"/v1/jobs/{name}")
        assert (response.status_code, response.json["code"]) == (404, "job_not_found")


def test_an_expired_job_is_a_410(client: FlaskClient, worker: FakeWorker, store: JobStore) -> None:
    job_id = submit(client)
    worker.run(job_id)
    store.client.zadd("atelier:expiring", {job_id: 1}, xx=True)
    assert store.expire() == [job_id]
    response = client.get(f"/v1/jobs/{job_id}")
    assert (response.status_code, response.json["code"]) == (410, "job_gone")


@pytest.mark.parametrize("wait", ["soon", "-1", "", "1e3", "nan"])
def test_a_wait_that_is_no_number_is_refused(client: FlaskClient, wait: str) -> None:
    response = client.get(f"/v1/jobs/{submit(client)}?wait={wait}")
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/wait")


def test_a_wait_ends_when_the_job_is_done(live: httpx.Client, worker: FakeWorker, services: Services) -> None:
    job_id = live.post("/v1/jobs", json=GENERATE).json()["id"]
    answers: list[httpx.Response] = []
    poll = threading.Thread(target=lambda: answers.append(live.get(f"/v1/jobs/{job_id}?wait=5")))
    poll.start()
    job = worker.claim(job_id)
    worker.report(job, 0.5)
    assert not answers
    worker.succeed(job)
    poll.join(4)
    assert answers[0].json()["status"] == "succeeded"


def test_a_wait_with_a_tag_ends_at_any_change(live: httpx.Client, worker: FakeWorker) -> None:
    job_id = live.post("/v1/jobs", json=GENERATE).json()["id"]
    tag = live.get(f"/v1/jobs/{job_id}").headers["ETag"]
    answers: list[httpx.Response] = []
    headers = {"If-None-Match": tag}
    poll = threading.Thread(
        target=lambda: answers.append(live.get(f"/v1/jobs/{job_id}?wait=5", headers=headers))
    )
    poll.start()
    worker.claim(job_id)
    poll.join(4)
    assert (answers[0].status_code, answers[0].json()["status"]) == (200, "running")


def test_a_wait_with_a_tag_that_runs_out_is_a_304(client: FlaskClient) -> None:
    job_id = submit(client)
    tag = client.get(f"/v1/jobs/{job_id}").headers["ETag"]
    response = client.get(f"/v1/jobs/{job_id}?wait=0.1", headers={"If-None-Match": tag})
    assert response.status_code == 304


def test_a_wait_with_an_old_tag_ends_at_once(client: FlaskClient) -> None:
    job_id = submit(client)
    began = time.monotonic()
    response = client.get(f"/v1/jobs/{job_id}?wait=5", headers={"If-None-Match": '"old"'})
    assert response.status_code == 200
    assert time.monotonic() - began < 4


def test_a_submission_waits_when_asked_to(live: httpx.Client, worker: FakeWorker, store: JobStore) -> None:
    answers: list[httpx.Response] = []
    headers = {"Prefer": "wait=5"}
    post = threading.Thread(
        target=lambda: answers.append(live.put("/v1/jobs/mine", json=GENERATE, headers=headers))
    )
    post.start()
    while store.claim("mine", "w0") is None:
        assert post.is_alive()
    store.release("mine", 1)
    worker.run("mine")
    post.join(4)
    assert (answers[0].status_code, answers[0].json()["status"]) == (200, "succeeded")
    assert answers[0].headers["Preference-Applied"] == "wait=5"
    assert "Retry-After" not in answers[0].headers


def test_a_submission_whose_wait_is_over_tells_what_the_job_does_by_then(
    live: httpx.Client, store: JobStore
) -> None:
    ask = partial(live.put, "/v1/jobs/mine", json=GENERATE, headers={"Prefer": "wait=2"})
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask)
        while store.claim("mine", "w0") is None:
            assert not answer.done()
        assert answer.result().json()["status"] == "running"
