"""/v1/models."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from api.services import Services
from shared.identifiers import ANONYMOUS, file_id
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.workers import ReloadRequest
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import FakeWorker

FILE = file_id("0" * 64)
STYLIZE = {"type": "stylize", "content": FILE, "styles": [{"image": FILE}]}


def test_all_models_are_listed(client: FlaskClient) -> None:
    models = {model["name"]: model for model in client.get("/v1/models").json["data"]}
    assert {"mnist-dcgan", "magenta-mobile", "magenta-v1-256"} <= set(models)
    assert models["mnist-dcgan"]["default"] is True
    assert models["mnist-dcgan"]["loaded"] == []
    assert models["mnist-dcgan"]["url"] == "http://localhost/v1/models/mnist-dcgan"


def test_a_model_tells_where_it_is_loaded(client: FlaskClient, worker: FakeWorker) -> None:
    worker.announce("mnist-dcgan")
    loaded = client.get("/v1/models/mnist-dcgan").json["loaded"]
    assert loaded == [{"version": "1", "digest": "d" * 64, "workers": 1}]


def test_a_wish_for_new_versions_reaches_the_workers(client: FlaskClient, services: Services) -> None:
    request = ReloadRequest(services.store.scripts)
    assert not request.is_new()
    response = client.post("/v1/models/reload")
    assert (response.status_code, response.data) == (202, b"")
    assert request.is_new()


def test_an_unknown_model_is_a_404(client: FlaskClient) -> None:
    response = client.get("/v1/models/nobody")
    assert (response.status_code, response.json["code"]) == (404, "unknown_model")


@pytest.mark.parametrize(
    "body",
    [
        {"type": "generate"},
        {"type": "generate", "digit": 9, "count": 256, "truncation": 0.1},
        {"type": "generate", "digit": 10},
        {"type": "generate", "count": 257},
        {"type": "generate", "truncation": 0.05},
        {"type": "generate", "truncation": 1.5},
        {"type": "generate", "seeds": list(range(257))},
        {"type": "generate", "model": "mnist-dcgan"},
        {"type": "generate", "model": "magenta-mobile"},
        {"type": "generate", "strength": 1},
        {"type": "generate", "digits": "0123456789"},
        {"type": "generate", "digits": "12x"},
        {"type": "generate", "latents": [[0.5] * 100]},
        {"type": "generate", "latents": [[0.5] * 99]},
        {"type": "generate", "latents": [[0.5] * 100] * 257},
        {"type": "generate", "interpolate": {"seeds": [1, 2], "steps": 4}},
        {"type": "generate", "interpolate": {"seeds": [1, 2], "steps": 1}},
        {"type": "generate", "interpolate": {"latents": [[1.0] * 100, [2.0] * 101]}},
        {"type": "generate", "upscale": {"factor": 4, "filter": "lanczos"}},
        {"type": "generate", "upscale": {"factor": 33}},
        {"type": "generate", "animation": {"frame_milliseconds": 5}, "output": {"format": "gif"}},
        {"type": "generate", "animation": {}, "output": {"format": "gif"}},
        {"type": "stylize"},
    ],
)
def test_the_schema_and_the_service_agree(client: FlaskClient, body: dict[str, Any]) -> None:
    schema = client.get("/v1/models/mnist-dcgan").json["input_schema"]
    Draft202012Validator.check_schema(schema)
    accepted = client.post("/v1/jobs", json=body).status_code == 202
    assert Draft202012Validator(schema).is_valid(body) == accepted


@pytest.mark.parametrize(
    ("model", "change", "valid"),
    [
        ("magenta-mobile", {}, True),
        ("magenta-mobile", {"styles": [{"name": "waves"}]}, True),
        ("magenta-mobile", {"styles": [{"number": 1}]}, False),
        ("magenta-mobile", {"styles": [{"weight": 1}]}, False),
        ("magenta-mobile", {"optimize": {}}, False),
        ("magenta-mobile", {"preserve_color": True, "stroke": 64, "mask": FILE, "steadiness": 1}, True),
        ("magenta-mobile", {"stroke": 63}, False),
        ("magenta-mobile", {"stroke": "native"}, True),
        ("magenta-mobile", {"stroke": "bold"}, False),
        ("multistyle-26", {}, False),
        ("multistyle-26", {"styles": [{"number": 25}, {"number": 0, "weight": 2}]}, True),
        ("multistyle-26", {"styles": [{"number": 26}]}, False),
        ("nst-gatys", {"optimize": {"steps": 10, "optimizer": "lbfgs"}}, True),
        ("nst-gatys", {"optimize": {"steps": 9}}, False),
    ],
)
def test_the_schema_takes_what_the_network_takes(
    client: FlaskClient, services: Services, model: str, change: dict[str, Any], valid: bool
) -> None:
    data = png(64, 64)
    picture = services.files.add(ANONYMOUS, data, probe(data, ImageLimits()))[0].id
    services.styles.add(ANONYMOUS, "waves", picture)
    body = {**STYLIZE, "model": model, **change}
    schema = client.get(f"/v1/models/{model}").json["input_schema"]
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid(body) == valid
    sent = json.loads(json.dumps(body).replace(FILE, picture))
    assert (client.post("/v1/jobs", json=sent).status_code == 202) == valid


@pytest.mark.parametrize(("strength", "valid"), [(0, True), (1, True), (1.1, False), (-0.1, False)])
def test_the_schema_has_the_range_of_the_strength(client: FlaskClient, strength: float, valid: bool) -> None:
    schema = client.get("/v1/models/magenta-mobile").json["input_schema"]
    assert Draft202012Validator(schema).is_valid({**STYLIZE, "strength": strength}) == valid
