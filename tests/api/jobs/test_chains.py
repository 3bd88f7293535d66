"""Requests that name the output of another job in the place of a picture."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from tests.support.images.pictures import jpeg
from tests.support.jobs.fake_worker import FakeWorker

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def announced(worker: FakeWorker) -> None:
    worker.announce("mnist-dcgan", "multistyle-26", "magenta-mobile")


def generated(client: FlaskClient, **fields: object) -> str:
    response = client.post("/v1/jobs", json={"type": "generate", "upscale": {"factor": 4}, **fields})
    assert response.status_code == 202, response.json
    return str(response.json["id"])  # type: ignore[index]


def painting(content: object, **fields: object) -> Json:
    return {
        "type": "stylize",
        "model": "multistyle-26",
        "content": content,
        "styles": [{"number": 1}],
        **fields,
    }


@pytest.mark.parametrize(
    "named",
    [
        lambda job: {"job": job, "output": 0},
        lambda job: {"job": job},
        lambda job: f"job:{job}",
        lambda job: f"job:{job}/0",
    ],
)
def test_an_output_is_named_by_an_object_or_a_text(
    client: FlaskClient, named: Callable[[str], object]
) -> None:
    parent = generated(client)
    child = client.post("/v1/jobs", json=painting(named(parent))).json
    assert child["input"]["content"] == f"job:{parent}/0"
    assert child["queue"]["reason"] == "waits_for"
    assert (child["queue"]["detail"], child["queue"]["position"]) == (parent, None)


def test_every_field_that_takes_a_picture_takes_an_output(client: FlaskClient, worker: FakeWorker) -> None:
    parents = [generated(client) for _ in range(3)]
    content, style, mask = ({"job": job} for job in parents)
    body = {"type": "stylize", "content": content, "styles": [{"image": style}], "mask": mask}
    child = client.post("/v1/jobs", json=body)
    assert child.status_code == 202, child.json
    for parent in parents:
        assert client.get(f"/v1/jobs/{child.json['id']}").json["queue"]["reason"] == "waits_for"
        worker.run(parent)
    assert client.get(f"/v1/jobs/{child.json['id']}").json["queue"]["reason"] == "workers_busy"


def test_a_form_takes_an_output(client: FlaskClient) -> None:
    parent, style = generated(client), generated(client)
    form = {"content": f"job:{parent}", "style": f"job:{style}/0"}
    response = client.post("/v1/jobs/stylize", data=form, content_type="multipart/form-data")
    assert response.status_code == 202, response.json
    assert response.json["input"]["content"] == f"job:{parent}/0"
    assert response.json["input"]["styles"][0]["image"] == f"job:{style}/0"


@pytest.mark.parametrize(
    ("content", "pointer", "code"),
    [
        ({"job": "job_that_never_was"}, "/content", "job_not_found"),
        ({"job": 5}, "/content", "invalid_format"),
        ({"job": "a", "output": -1}, "/content", "invalid_format"),
        ({"job": "a", "output": 1024}, "/content", "invalid_format"),
        ({"job": "a", "more": 1}, "/content", "invalid_format"),
        ({"output": 0}, "/content", "invalid_format"),
        ("job:", "/content", "invalid_format"),
        ("job:a/b", "/content", "invalid_format"),
        ("job:a/1024", "/content", "invalid_format"),
    ],
)
def test_what_names_no_output_is_refused(
    client: FlaskClient, content: object, pointer: str, code: str
) -> None:
    problem = client.post("/v1/jobs", json=painting(content)).json
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]


def test_a_job_without_a_picture_is_refused_as_a_parent(client: FlaskClient, worker: FakeWorker) -> None:
    failed = generated(client)
    worker.fail(worker.claim(failed))
    response = client.post("/v1/jobs", json=painting({"job": failed}))
    assert (response.status_code, response.json["code"]) == (422, "parent_failed")
    assert failed in response.json["errors"][0]["detail"]


@pytest.mark.parametrize("is_done", [False, True])
def test_an_output_that_a_job_does_not_have_is_refused(
    client: FlaskClient, worker: FakeWorker, is_done: bool
) -> None:
    parent = generated(client)
    if is_done:
        worker.run(parent)
    response = client.post("/v1/jobs", json=painting({"job": parent, "output": 1}))
    assert (response.status_code, response.json["code"]) == (422, "output_not_found")


def test_the_size_of_what_is_not_made_yet_is_checked_and_counted(client: FlaskClient) -> None:
    body = {"model": "nst-gatys", "styles": [{"image": {"job": generated(client)}}]}
    small = generated(client, upscale={"factor": 1})
    refused = client.post("/v1/jobs", json=painting({"job": small}, **body))
    assert (refused.status_code, refused.json["code"]) == (422, "image_too_small")
    large = generated(client)
    once = client.post("/v1/jobs", json=painting({"job": large})).json["id"]
    estimate = client.post("/v1/jobs?dry_run=true", json=painting({"job": once})).json
    assert (estimate["accepted"], estimate["pixels"]) == (True, 112 * 112)


def test_a_dry_run_stores_nothing(client: FlaskClient, services: Services) -> None:
    parent = generated(client)
    assert client.post("/v1/jobs?dry_run=true", json=painting({"job": parent})).json["accepted"]
    assert services.store.client.exists(f"atelier:awaiting:{parent}") == 0


def test_a_repeated_request_finds_its_job_although_the_parent_is_gone(
    client: FlaskClient, worker: FakeWorker
) -> None:
    parent = generated(client)
    worker.run(parent)
    sent = {"json": painting({"job": parent}), "headers": {"Idempotency-Key": "once"}}
    first = client.post("/v1/jobs", **sent)
    assert client.delete(f"/v1/jobs/{parent}").status_code == 204
    again = client.post("/v1/jobs", **sent)
    assert (again.status_code, again.json["id"]) == (202, first.json["id"])
    gone = client.post("/v1/jobs", json=painting({"job": parent}))
    assert (gone.status_code, gone.json["code"]) == (410, "job_gone")


def test_a_child_is_retried_when_its_parent_was(client: FlaskClient, worker: FakeWorker) -> None:
    parent = generated(client)
    child = client.post("/v1/jobs", json=painting({"job": parent})).json["id"]
    worker.fail(worker.claim(parent))
    failed = client.get(f"/v1/jobs/{child}").json
    assert (failed["status"], failed["error"]["code"]) == ("failed", "parent_failed")
    refused = client.post(f"/v1/jobs/{child}/retry")
    assert (refused.status_code, refused.json["code"]) == (422, "parent_failed")
    again = client.post(f"/v1/jobs/{parent}/retry").json["id"]
    retried = client.post(f"/v1/jobs/{child}/retry").json
    assert retried["queue"]["detail"] == again
    worker.run(again)
    assert worker.claim(retried["id"]).status == "running"


def test_the_owner_of_a_job_alone_may_name_it_with_a_key_that_reads(
    client: FlaskClient, services: Services
) -> None:
    keys = KeyStore(services.store.scripts)
    both = frozenset({Scope.SUBMIT, Scope.READ})
    _, own = keys.create("own", owner="anna", scopes=both)
    _, foreign = keys.create("foreign", owner="bert", scopes=both)
    _, blind = keys.create("blind", owner="anna", scopes=frozenset({Scope.SUBMIT}))

    def send(key: object, body: Json) -> Any:
        return client.post("/v1/jobs", json=body, headers={"Authorization": f"Bearer {key}"})

    parent = send(own, {"type": "generate", "upscale": {"factor": 4}}).json["id"]
    asked = [(foreign, parent), (foreign, "job_that_never_was"), (blind, parent), (own, parent)]
    answers = [send(key, painting({"job": named})) for key, named in asked]
    assert [answer.status_code for answer in answers] == [422, 422, 403, 202]
    texts = [answer.json["detail"] for answer in answers[:2]]
    assert texts == [f"there is no job {parent}", "there is no job job_that_never_was"]


def test_items_of_a_batch_take_outputs(client: FlaskClient, worker: FakeWorker) -> None:
    parent = generated(client)
    items = [{"custom_id": "a", **painting({"job": parent})}, {"custom_id": "b", "type": "generate"}]
    batch = client.post("/v1/batches", json={"items": items}).json
    item = client.get(f"/v1/batches/{batch['id']}/items").json["data"][0]
    assert client.get(f"/v1/jobs/{item['id']}").json["queue"]["reason"] == "waits_for"
    worker.run(parent)
    assert worker.claim(item["id"]).custom_id == "a"


def test_the_lists_of_a_template_take_outputs(client: FlaskClient) -> None:
    parents = [generated(client) for _ in range(3)]
    contents = [{"job": parents[0]}, f"job:{parents[1]}", {"id": {"job": parents[2]}, "label": "c"}]
    template = {"type": "stylize", "model": "multistyle-26", "styles": [{"number": 1}]}
    batch = client.post("/v1/batches", json={"template": {**template, "multiply": {"content": contents}}})
    assert batch.status_code == 202, batch.json
    styles = [{"job": parents[0]}, f"job:{parents[1]}"]
    template = {"type": "stylize", "content": {"job": parents[2]}}
    batch = client.post("/v1/batches", json={"template": {**template, "multiply": {"style": styles}}})
    assert batch.status_code == 202, batch.json


def test_an_item_with_a_parent_that_is_not_there_is_named(client: FlaskClient) -> None:
    items = [{"type": "generate"}, painting({"job": "job_that_never_was"})]
    problem = client.post("/v1/batches", json={"items": items}).json
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [("/items/1/content", "job_not_found")]


def test_an_uploaded_file_still_has_the_form_of_its_fault(client: FlaskClient) -> None:
    picture = client.post("/v1/files", data={"file": (BytesIO(jpeg(64, 64)), "a.jpg")}).json["id"]
    assert client.post("/v1/jobs", json=painting(picture)).status_code == 202
    problem = client.post("/v1/jobs", json=painting("photo.jpg")).json
    assert "must be the id of an uploaded file" in problem["errors"][0]["detail"]
