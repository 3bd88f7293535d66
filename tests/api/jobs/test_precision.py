"""`precision` of a job, what the installation says where a job does not, and what a result says."""

import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.setting_groups import OutputRules
from shared.settings import Settings
from tests.api.recipes.test_again import PAINTED, STYLE, picture, send
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import FakeWorker


@pytest.fixture(params=["exact", "fast"])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return settings.model_copy(update={"output": OutputRules(precision=request.param)})


@pytest.fixture
def default(settings: Settings) -> str:
    return settings.output.precision


def upload(client: FlaskClient) -> str:
    data = {"file": (io.BytesIO(png(32, 32)), "a.png")}
    return str(client.post("/v1/files", data=data).json["id"])


def painting(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    file = upload(client)
    return {"type": "stylize", "content": file, "styles": [{"image": file}], **fields}


def said(body: dict[str, Any]) -> str:
    return str(body["input"].get("precision", "exact"))


def test_a_job_says_its_precision_or_takes_the_installations(client: FlaskClient, default: str) -> None:
    for asked in ("exact", "fast"):
        response = client.post("/v1/jobs", json=painting(client, precision=asked))
        assert (response.status_code, said(response.json)) == (202, asked)
    assert said(client.post("/v1/jobs", json=painting(client)).json) == default


def test_a_form_and_the_items_of_a_batch_do_too(client: FlaskClient, default: str) -> None:
    pictures = {name: (io.BytesIO(png(32, 32)), f"{name}.png") for name in ("content", "style")}
    form = client.post("/v1/jobs/stylize", data={**pictures, "precision": "fast"})
    assert said(form.json) == "fast"
    items = [painting(client, precision="fast"), painting(client)]
    batch = client.post("/v1/batches", json={"items": items}).json["id"]
    found = client.get(f"/v1/batches/{batch}/items").json["data"]
    jobs = [client.get(f"/v1/jobs/{item['id']}").json for item in found]
    assert [said(job) for job in jobs] == ["fast", default]


def test_what_was_resolved_makes_the_same_again(client: FlaskClient) -> None:
    for asked in ("exact", "fast"):
        first = client.post("/v1/jobs", json=painting(client, precision=asked)).json["input"]
        again = client.post("/v1/jobs", json=first)
        assert said(again.json) == asked


def test_a_model_without_a_fast_form_refuses_it_by_field(client: FlaskClient) -> None:
    refused = client.post("/v1/jobs", json=painting(client, model="nst-gatys", precision="fast"))
    assert refused.status_code == 422
    (error,) = refused.json["errors"]
    assert (error["pointer"], error["code"]) == ("/precision", "out_of_range")
    assert client.post("/v1/jobs", json=painting(client, model="nst-gatys")).status_code == 202


@pytest.mark.parametrize("wrong", ["Fast", "bfloat16", 1, True, ""])
def test_another_word_is_refused(client: FlaskClient, wrong: object) -> None:
    refused = client.post("/v1/jobs", json=painting(client, precision=wrong))
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/precision")


def test_a_result_says_by_what_it_was_made(
    client: FlaskClient, worker: FakeWorker, services: Services
) -> None:
    ids = [client.post("/v1/jobs", json={"type": "generate"}).json["id"] for _ in range(3)]
    assert client.get(f"/v1/jobs/{ids[0]}").json["model"]["numerics"] is None
    worker.run(ids[0], numerics="cpu-a")
    worker.run(ids[1], numerics="cpu-a", precision="fast")
    worker.run(ids[2])  # an older worker
    models = [client.get(f"/v1/jobs/{job_id}").json["model"] for job_id in ids]
    told = [(model["numerics"], model["precision"]) for model in models]
    assert told == [("cpu-a", "exact"), ("cpu-a", "fast"), (None, None)]
    listed = client.get("/v1/jobs", query_string={"fields": "id,model"}).json["data"]
    assert {job["id"]: job["model"] for job in listed} == dict(zip(ids, models, strict=True))


def test_a_picture_that_says_nothing_was_exact_and_stays_so(client: FlaskClient) -> None:
    client.post("/v1/files", data={"file": (io.BytesIO(STYLE), "a.png")})
    for recipe, expected in ((PAINTED, "exact"), ({**PAINTED, "precision": "fast"}, "fast")):
        again = send(client, picture(recipe), content=(io.BytesIO(png(32, 32)), "b.png"))
        assert (again.status_code, said(again.json)) == (202, expected)
