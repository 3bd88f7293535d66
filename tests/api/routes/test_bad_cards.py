"""Cards at fault: only the model that they name is missing, and every answer says which file and field."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.settings import Settings
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.models.model_cards import transform_card

HALF = '{"name": "half", "kind": "transform"}'
Write = Callable[[str, str], Path]


@pytest.fixture
def write(settings: Settings) -> Write:
    def write_card(file: str, text: str) -> Path:
        settings.cards.mkdir(exist_ok=True)
        path = settings.cards / file
        path.write_text(text)
        return path

    return write_card


def test_the_rest_of_the_service_goes_on(client: FlaskClient, worker: FakeWorker, write: Write) -> None:
    worker.announce("mnist-dcgan", "magenta-mobile")
    write("half.json", HALF)
    assert client.get("/readyz").status_code == 200
    assert "magenta-mobile" in {model["name"] for model in client.get("/v1/models").json["data"]}
    assert client.get("/v1/models/mnist-dcgan").status_code == 200
    assert client.get("/v1/styles").status_code == 200
    assert client.post("/v1/jobs", json={"type": "generate"}).status_code == 202
    parts = {"content": (png(64, 64), "a.png"), "style": (png(64, 64), "b.png")}
    form = {name: (io.BytesIO(data), file) for name, (data, file) in parts.items()}
    assert client.post("/v1/jobs/stylize", data=form).status_code == 202
    batch = {"items": [{"type": "generate"}]}
    assert client.post("/v1/batches", json=batch).status_code == 202


def test_the_list_of_models_names_file_and_field(client: FlaskClient, write: Write) -> None:
    path = write("half.json", HALF)
    (fault,) = client.get("/v1/models").json["unavailable"]
    assert (fault["name"], fault["path"], fault["field"]) == ("half", str(path), "version")
    assert fault["detail"].startswith("version is missing; title is missing")
    path.unlink()
    assert client.get("/v1/models").json["unavailable"] == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get("/v1/models/half"),
        lambda client: client.get("/v1/styles/builtin/half/sheet"),
        lambda client: client.post("/v1/jobs", json=transform("half")),
        lambda client: client.post("/v1/jobs", json={**transform("half"), "nonsense": 1}),
        lambda client: client.post("/v1/batches", json={"items": [transform("half"), transform("half")]}),
    ],
    ids=["model", "sheet", "job", "job with another fault", "batch"],
)
def test_one_who_names_the_model_is_told_file_and_field(
    client: FlaskClient, write: Write, ask: Callable[[FlaskClient], Any]
) -> None:
    path = write("half.json", HALF)
    told = ask(client).json
    faults = json.dumps([told["detail"], told.get("errors")])
    assert str(path) in faults
    assert "version is missing" in faults
    assert "model_card_unusable" in json.dumps(told)
    assert told["status"] in (404, 422)  # a repetition does not help


def test_a_job_is_taken_once_the_card_is_whole(client: FlaskClient, write: Write, tmp_path: Path) -> None:
    write("half.json", HALF)
    picture = {"file": (io.BytesIO(png(64, 64)), "a.png")}
    job = {**transform("half"), "content": client.post("/v1/files", data=picture).json["id"]}
    refused = client.post("/v1/jobs", json=job)
    assert (refused.status_code, refused.json["code"]) == (422, "model_card_unusable")
    assert "Retry-After" not in refused.headers
    write("half.json", transform_card(tmp_path, name="half").model_dump_json())
    assert client.post("/v1/jobs", json=job).status_code == 202


def test_a_default_model_that_was_not_pulled_yet_keeps_nobody_else_from_being_ready(
    client: FlaskClient, worker: FakeWorker, write: Write, tmp_path: Path
) -> None:
    worker.announce("mnist-dcgan", "magenta-mobile")
    card = transform_card(tmp_path / "not-pulled", name="mine", default=True, preload=True)
    write("mine.json", card.model_dump_json())
    assert client.get("/readyz").status_code == 200
    (view,) = [model for model in client.get("/v1/models").json["data"] if model["name"] == "mine"]
    assert (view["default"], view["loaded"]) == (True, [])


def transform(model: str) -> dict[str, str]:
    return {"type": "transform", "model": model, "content": f"file_{'0' * 64}"}
