"""A job for a model that no worker has is refused before anything of it is stored."""

import json
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.services import Services
from shared.identifiers import ANONYMOUS
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import FakeWorker

ABSENT = "nst-gatys"
THERE = ("magenta-mobile", "mnist-dcgan")


@pytest.fixture
def content(client: FlaskClient) -> str:
    return str(client.post("/v1/files", data={"file": (BytesIO(png(64, 64)), "a.png")}).json["id"])


@pytest.fixture
def stylize(client: FlaskClient, content: str, worker: FakeWorker) -> dict[str, Any]:
    """A job for a model that the only worker does not have."""
    worker.announce("mnist-dcgan", available=THERE)
    return {"type": "stylize", "model": ABSENT, "content": content, "styles": [{"image": content}]}


def refused(response: TestResponse) -> list[tuple[str, str]]:
    assert response.status_code == 422, response.json
    return [(fault["pointer"], fault["code"]) for fault in response.json["errors"]]  # type: ignore[index]


def stored(services: Services) -> int:
    return len(services.files.page(ANONYMOUS).items) + len(services.queries.page(ANONYMOUS).items)


@pytest.mark.parametrize("method", ["POST /v1/jobs", "PUT /v1/jobs/mine", "POST /v1/batches"])
def test_json_that_names_a_model_no_worker_has_is_refused(
    client: FlaskClient, services: Services, stylize: dict[str, Any], method: str
) -> None:
    verb, path = method.split()
    is_batch = path.endswith("batches")
    answer = client.open(path, method=verb, json={"items": [stylize]} if is_batch else stylize)
    assert refused(answer) == [("/items/0/model" if is_batch else "/model", "model_unavailable")]
    told = answer.json["errors"][0]["detail"]
    assert f"no worker has its weights; stylize models that are there: {THERE[0]};" in told
    assert f"`atelier models pull {ABSENT}`" in told
    assert stored(services) == 1  # the content that was uploaded before
    assert services.batches.page(ANONYMOUS).items == ()


def test_a_model_that_workers_of_the_other_lane_have_alone_is_refused(
    client: FlaskClient, stylize: dict[str, Any], worker: FakeWorker
) -> None:
    worker.announce("mnist-dcgan", available=THERE, lane="interactive")
    worker.announce("mnist-dcgan", available=(*THERE, ABSENT), name="w2", lane="bulk")
    answer = client.post("/v1/jobs", json=stylize)
    assert refused(answer) == [("/model", "model_unavailable")]
    told = answer.json["errors"][0]["detail"]
    assert "no worker of the lane interactive has its weights" in told
    assert client.post("/v1/jobs", json={**stylize, "lane": "bulk"}).status_code == 202
    assert client.post("/v1/batches", json={"items": [stylize], "lane": "bulk"}).status_code == 202
    answer = client.post("/v1/batches", json={"items": [stylize], "lane": "interactive"})
    assert refused(answer) == [("/items/0/model", "model_unavailable")]


def test_lines_templates_and_pages_of_batches_are_refused_by_the_item(
    client: FlaskClient, stylize: dict[str, Any]
) -> None:
    digit = {"type": "generate"}
    lines = b"\n".join(json.dumps(item).encode() for item in (digit, stylize))
    answer = client.post("/v1/batches", data=lines, content_type="application/jsonl")
    assert refused(answer) == [("/items/1/model", "model_unavailable")]
    multiply = {"content": [stylize["content"]], "style": [stylize["content"]], "model": [THERE[0], ABSENT]}
    answer = client.post("/v1/batches", json={"template": {"type": "stylize", "multiply": multiply}})
    assert refused(answer) == [("/template/multiply/model/1", "model_unavailable")]
    batch = client.post("/v1/batches", json={"open": True, "items": [digit]}).json
    assert refused(client.post(batch["urls"]["items"], json={"items": [stylize]})) == [
        ("/items/0/model", "model_unavailable")
    ]
    assert client.get(batch["urls"]["self"]).json["counts"]["total"] == 1


def test_a_form_is_refused_with_all_its_faults_and_its_pictures_are_not_kept(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce("mnist-dcgan", available=THERE)

    def form(**more: str) -> TestResponse:
        pictures = {name: (BytesIO(png(64, 64)), f"{name}.png") for name in ("content", "style")}
        return client.post("/v1/jobs/stylize", data={**pictures, "model": ABSENT, **more})

    assert refused(form()) == [("/model", "model_unavailable")]
    assert refused(form(strength="7", color="red")) == [
        ("/color", "unknown_field"),
        ("/strength", "out_of_range"),
        ("/model", "model_unavailable"),
    ]
    assert stored(services) == 0


def test_json_is_refused_with_all_its_faults(client: FlaskClient, stylize: dict[str, Any]) -> None:
    answer = client.post("/v1/jobs", json={**stylize, "strength": 7})
    assert sorted(refused(answer)) == [("/model", "model_unavailable"), ("/strength", "out_of_range")]
    answer = client.post("/v1/batches", json={"items": [{**stylize, "strength": 7}]})
    assert sorted(refused(answer)) == [
        ("/items/0/model", "model_unavailable"),
        ("/items/0/strength", "out_of_range"),
    ]


def test_a_model_that_one_of_the_workers_has_is_accepted(
    client: FlaskClient, stylize: dict[str, Any], worker: FakeWorker
) -> None:
    assert client.post("/v1/jobs", json=stylize).status_code == 422
    worker.announce("mnist-dcgan", available=(*THERE, ABSENT), name="w2")
    assert client.post("/v1/jobs", json=stylize).status_code == 202


def test_a_model_that_is_loaded_is_accepted_though_its_files_have_gone(
    client: FlaskClient, worker: FakeWorker
) -> None:
    worker.announce("mnist-dcgan", available=())
    assert client.post("/v1/jobs", json={"type": "generate"}).status_code == 202


@pytest.mark.parametrize("older", [True, False])
def test_where_no_worker_lives_or_an_older_one_does_not_say_jobs_are_accepted(
    client: FlaskClient, content: str, worker: FakeWorker, older: bool
) -> None:
    if older:
        worker.announce("mnist-dcgan", available=THERE)
        worker.announce("mnist-dcgan", name="older")
    job = {"type": "stylize", "model": ABSENT, "content": content, "styles": [{"image": content}]}
    assert client.post("/v1/jobs", json=job).status_code == 202
    assert client.get(f"/v1/models/{ABSENT}").json["available"] is None


@pytest.mark.parametrize("how", ["key", "id", "form"])
def test_a_repetition_finds_its_job_though_no_worker_has_the_model_any_more(
    client: FlaskClient, content: str, worker: FakeWorker, how: str
) -> None:
    job = {"type": "stylize", "model": ABSENT, "content": content, "styles": [{"image": content}]}
    headers = {"Idempotency-Key": "once"}

    def send() -> TestResponse:
        if how == "form":
            form = {"model": ABSENT, "content": content, "style": content}
            multipart = "multipart/form-data"
            return client.post("/v1/jobs/stylize", data=form, headers=headers, content_type=multipart)
        if how == "id":
            return client.put("/v1/jobs/mine", json=job)
        return client.post("/v1/jobs", json=job, headers=headers)

    first = send()
    worker.announce("mnist-dcgan", available=THERE)
    again = send()
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json["id"] == first.json["id"]
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_retry_of_a_job_whose_model_no_worker_has_is_refused(
    client: FlaskClient, content: str, worker: FakeWorker
) -> None:
    job = {"type": "stylize", "model": ABSENT, "content": content, "styles": [{"image": content}]}
    job_id = client.post("/v1/jobs", json=job).json["id"]
    worker.fail(worker.claim(job_id))
    worker.announce("mnist-dcgan", available=THERE)
    assert refused(client.post(f"/v1/jobs/{job_id}/retry")) == [("/model", "model_unavailable")]


def test_the_list_of_models_says_which_are_there(client: FlaskClient, worker: FakeWorker) -> None:
    worker.announce("mnist-dcgan", available=THERE)
    found = {model["name"]: model["available"] for model in client.get("/v1/models").json["data"]}
    assert {name for name, there in found.items() if there} == set(THERE)
    assert found[ABSENT] is False


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/batches", "/v1/jobs/stylize"])
def test_a_painting_that_no_worker_can_bring_to_its_size_is_refused_by_the_field(
    client: FlaskClient, services: Services, worker: FakeWorker, content: str, path: str
) -> None:
    worker.announce("magenta-mobile", available=THERE)
    asked = {"type": "stylize", "content": content, "styles": [{"image": content}], "upsample": "network"}
    form = {"content": content, "style": content, "upsample": "network"}
    bodies: dict[str, dict[str, Any]] = {
        "/v1/jobs": {"json": asked},
        "/v1/batches": {"json": {"items": [asked]}},
        "/v1/jobs/stylize": {"data": form, "content_type": "multipart/form-data"},
    }
    before = stored(services)
    answer = client.post(path, **bodies[path])
    where = "/items/0/upsample" if path.endswith("batches") else "/upsample"
    assert refused(answer) == [(where, "model_unavailable")]
    assert "`atelier models pull enlarge-x4`" in answer.json["errors"][0]["detail"]
    assert stored(services) == before
    assert client.post("/v1/jobs", json={**asked, "upsample": "guided"}).status_code == 202
    worker.announce("magenta-mobile", available=(*THERE, "enlarge-x4"))
    assert client.post(path, **bodies[path]).status_code in (201, 202)


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/batches"])
def test_a_result_that_no_worker_can_enlarge_is_refused_by_the_field(
    client: FlaskClient, services: Services, worker: FakeWorker, path: str
) -> None:
    worker.announce("mnist-dcgan", available=THERE)
    asked = {"type": "generate", "output": {"enlarge": 3}}
    answer = client.post(path, json={"items": [asked]} if path.endswith("batches") else asked)
    where = "/items/0/output/enlarge" if path.endswith("batches") else "/output/enlarge"
    assert refused(answer) == [(where, "model_unavailable")]
    assert "`atelier models pull enlarge-x3`" in answer.json["errors"][0]["detail"]
    assert stored(services) == 0
    worker.announce("mnist-dcgan", available=(*THERE, "enlarge-x3"))
    assert client.post("/v1/jobs", json=asked).status_code == 202
