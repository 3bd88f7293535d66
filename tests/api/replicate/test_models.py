"""Models, their versions, and what these take and give."""

import re

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.cards.card import bundled_cards
from tests.api.replicate.conftest import DIGITS, HOME, PAINTER, version_of
from tests.support.jobs.fake_worker import FakeWorker

PAINTED = {"content": "file_" + "0" * 64, "styles": [{"name": "waves"}]}
NAMES = [card.name for card in bundled_cards()]


def test_a_model_has_what_the_clients_demand(client: FlaskClient) -> None:
    model = client.get(f"{HOME}/models/{DIGITS}").json
    texts = [model[name] for name in ("url", "owner", "name", "description")]
    assert all(isinstance(text, str) and text for text in texts)
    assert (model["visibility"], model["run_count"]) == ("public", 0)
    assert {"github_url", "paper_url", "license_url", "cover_image_url", "default_example"} <= model.keys()
    version = model["latest_version"]
    assert version.keys() == {"id", "created_at", "cog_version", "openapi_schema"}
    assert tuple(map(int, version["cog_version"].split("."))) >= (0, 3, 9)


@pytest.mark.parametrize("name", NAMES)
def test_each_model_has_one_version_with_a_valid_schema(client: FlaskClient, name: str) -> None:
    (version,) = client.get(f"{HOME}/models/atelier/{name}/versions").json["results"]
    assert client.get(f"{HOME}/models/atelier/{name}/versions/{version['id']}").json == version
    document = version["openapi_schema"]
    OpenAPIV31SpecValidator(document).validate()
    named = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert named <= document["components"]["schemas"].keys()
    assert not {"type", "model", "webhook"} & document["components"]["schemas"]["Input"]["properties"].keys()


@pytest.mark.parametrize(
    ("model", "given", "is_valid"),
    [
        (DIGITS, {"seed": 7, "count": 2, "output": {"format": "png"}, "output_encoding": "url"}, True),
        (DIGITS, {"count": 0}, False),
        (DIGITS, {"type": "generate"}, False),
        (PAINTER, {"content": "file_" + "0" * 64, "styles": [{"name": "waves"}]}, True),
        (PAINTER, {"content": "file_" + "0" * 64}, False),
        (PAINTER, {**PAINTED, "output": {"profile": "keep", "metadata": "safe", "enlarge": 2}}, True),
        (PAINTER, {**PAINTED, "output": {"profile": "p3"}}, False),
        (PAINTER, {**PAINTED, "output": {"metadata": "place"}}, False),
        (PAINTER, {**PAINTED, "output": {"enlarge": 5}}, False),
        (PAINTER, {**PAINTED, "content": {"job": "job_" + "0" * 32, "output": 0}}, True),
        ("atelier/enlarge-x2", {"content": "file_" + "0" * 64, "output": {"profile": "keep"}}, True),
        ("atelier/enlarge-x2", {"content": "file_" + "0" * 64, "strength": 1}, False),
        ("atelier/old-photo", {"content": "file_" + "0" * 64, "size": {"max_side": 64}}, True),
    ],
)
def test_the_schema_of_the_input_takes_what_the_service_takes(
    client: FlaskClient, model: str, given: dict[str, object], is_valid: bool
) -> None:
    document = client.get(f"{HOME}/models/{model}").json["latest_version"]["openapi_schema"]
    schema = {**document["components"]["schemas"]["Input"], "components": document["components"]}
    assert Draft202012Validator(schema).is_valid(given) is is_valid
    refused = client.post(f"{HOME}/models/{model}/predictions", json={"input": given})
    codes = {fault["code"] for fault in refused.json.get("errors", [])}
    assert (codes <= {"style_not_found", "file_not_found", "job_not_found"}) is is_valid


def test_the_list_has_the_models_that_workers_have(client: FlaskClient, worker: FakeWorker) -> None:
    everything = [model["name"] for model in client.get(f"{HOME}/models").json["results"]]
    assert everything == NAMES  # where no worker lives, any may be had
    worker.announce("mnist-dcgan", available=("mnist-dcgan", "magenta-mobile"))
    there = {model["name"] for model in client.get(f"{HOME}/models").json["results"]}
    assert there == {"mnist-dcgan", "magenta-mobile"}


@pytest.mark.parametrize(
    "words", ["Quarter-Width magenta", '"Magenta quarter-width"', "atelier/magenta-mobile"]
)
def test_a_search_finds_models_by_all_of_its_words(client: FlaskClient, words: str) -> None:
    found = client.open(f"{HOME}/models", method="QUERY", data=words, content_type="text/plain").json
    assert [model["name"] for model in found["results"]] == ["magenta-mobile"]


def test_a_search_is_short_and_text(client: FlaskClient) -> None:
    for data, status in ((b"x" * 1001, 413), (b"\xff", 400)):
        assert client.open(f"{HOME}/models", method="QUERY", data=data).status_code == status


@pytest.mark.parametrize("path", ["other/mnist-dcgan", "atelier/nothing", "atelier/nothing/versions"])
def test_no_other_model_is_there(client: FlaskClient, path: str) -> None:
    assert client.get(f"{HOME}/models/{path}").json["code"] == "unknown_model"


def test_the_version_of_another_model_is_not_this_ones(client: FlaskClient) -> None:
    other = version_of(client, PAINTER)
    assert client.get(f"{HOME}/models/{DIGITS}/versions/{other}").status_code == 404


def test_a_model_that_no_worker_has_is_refused(client: FlaskClient, worker: FakeWorker) -> None:
    worker.announce("magenta-mobile", available=("magenta-mobile",))
    refused = client.post(f"{HOME}/models/{DIGITS}/predictions", json={"input": {"seed": 7}})
    assert (refused.status_code, refused.json["code"]) == (422, "model_unavailable")
    assert [fault["pointer"] for fault in refused.json["errors"]] == ["/model"]
