"""Predictions: how one is asked for, read, listed and canceled."""

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.cards.card import load_catalog
from shared.identifiers import ANONYMOUS
from shared.jobs.rendering import Links
from shared.replicate.prediction import prediction_of
from shared.settings import Settings
from tests.api.replicate.conftest import DIGITS, HOME, PAINTER, Create, Json, version_of
from tests.support.images import pictures
from tests.support.jobs.fake_worker import FakeWorker


def faults(answer: Any) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]]


@pytest.mark.parametrize("form", ["{id}", f"{DIGITS}:{{id}}", DIGITS])
def test_a_version_is_named_by_its_id_its_model_or_both(client: FlaskClient, form: str) -> None:
    version = version_of(client)
    body = {"version": form.format(id=version), "input": {"seed": 7}}
    made = client.post(f"{HOME}/predictions", json=body)
    assert made.status_code == 202, made.json
    assert (made.json["model"], made.json["version"]) == (DIGITS, version)
    assert len(version) == 64


@pytest.mark.parametrize(
    "form",
    ["0" * 64, "{painter}:{id}", "other/mnist-dcgan", "other/mnist-dcgan:{id}", "mnist-dcgan", ":{id}x"],
)
def test_no_other_version_is_known(client: FlaskClient, form: str) -> None:
    version = form.format(id=version_of(client), painter=PAINTER)
    refused = client.post(f"{HOME}/predictions", json={"version": version, "input": {}})
    assert (refused.status_code, faults(refused)) == (422, [("/version", "unknown_model")])


def test_a_prediction_is_a_job(create: Create, services: Services, client: FlaskClient) -> None:
    made = create({"seed": 7, "count": 2, "metadata": {"order": "1"}, "ttl_seconds": 60}).json
    job = services.store.get(made["id"], ANONYMOUS)
    assert (job.spec.type, job.spec.model, job.spec.ttl_seconds) == ("generate", "mnist-dcgan", 60)
    assert client.get(f"/v1/jobs/{made['id']}").json["metadata"] == {"order": "1"}
    assert (made["input"]["seeds"], made["input"]["metadata"]) == ([7, 8], {"order": "1"})
    assert not {"type", "model", "webhook"} & made["input"].keys()


@pytest.mark.parametrize("name", ["enlarge-x2", "old-photo"])
def test_a_model_from_picture_to_picture_gives_one_picture(
    client: FlaskClient, create: Create, worker: FakeWorker, name: str
) -> None:
    photo = {"content": (BytesIO(pictures.png()), "a.png")}
    file = client.post(f"{HOME}/files", data=photo).json["urls"]["get"]
    output = {"format": "jpeg", "profile": "keep", "metadata": "safe"}
    made = create({"content": file, "output": output}, model=f"atelier/{name}").json
    assert client.get(f"/v1/jobs/{made['id']}").json["type"] == "transform"
    assert output.items() <= made["input"]["output"].items()
    worker.run(made["id"])
    found = client.get(f"{HOME}/predictions/{made['id']}").json
    assert (found["status"], type(found["output"])) == ("succeeded", str)
    chained = create({"content": {"job": made["id"]}}, model=f"atelier/{name}").json
    assert chained["input"]["content"] == f"job:{made['id']}/0"


def test_a_recipe_of_the_service_fills_in_an_input(create: Create, client: FlaskClient) -> None:
    settings = {"type": "generate", "digit": 3, "output": {"format": "webp"}}
    assert client.post("/v1/recipes", json={"name": "three", "settings": settings}).status_code == 201
    made = create({"seed": 7, "recipe": "three"}).json["input"]
    assert (made["digit"], made["output"]["format"], made["recipe"]) == (3, "webp", "three@1")


def test_the_input_of_a_prediction_gives_the_same_again(create: Create) -> None:
    made = create({"count": 2}).json
    assert create(made["input"]).json["input"] == made["input"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/input", "missing")]),
        ({"input": []}, [("/input", "invalid_type")]),
        ({"input": {"type": "x"}}, [("/input/type", "unknown_field")]),
        ({"input": {"model": "x"}}, [("/input/model", "unknown_field")]),
        ({"input": {"output_encoding": "base64"}}, [("/input/output_encoding", "invalid_choice")]),
        ({"input": {"metadata": 1}}, [("/input/metadata", "invalid_type")]),
        ({"input": {"output": {"enlarge": 5}}}, [("/input/output/enlarge", "invalid_choice")]),
        ({"input": {}, "webhook": "ftp://receiver.example"}, [("/webhook", "invalid_value")]),
        ({"input": {}, "webhook": "http://10.0.0.1/"}, [("/webhook", "invalid_request")]),
        ({"input": {}, "webhook_events_filter": ["end"]}, [("/webhook_events_filter/0", "invalid_choice")]),
        (
            {"input": {}, "webhook": "https://r.example", "webhook_events_filter": ["logs"]},
            [("/webhook_events_filter", "invalid_value")],
        ),
        ({"input": {}, "hardware": "gpu"}, [("/hardware", "unknown_field")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_place(
    client: FlaskClient, body: Json, expected: list[tuple[str, str]]
) -> None:
    refused = client.post(f"{HOME}/predictions", json={"version": DIGITS, **body})
    assert refused.status_code == 422, refused.json
    assert faults(refused) == expected
    assert client.get(f"{HOME}/predictions").json["results"] == []


def test_a_refusal_repeats_no_value_of_an_input_that_is_not_known(create: Create) -> None:
    """The JavaScript client with `fileEncodingStrategy: "data-uri"` sends itself, with its token."""
    refused = create({"auth": "atl_secret", "baseUrl": "http://127.0.0.1:8480"})
    assert refused.status_code == 422
    assert "atl_secret" not in refused.text


def test_a_body_without_a_version_is_told_so(client: FlaskClient) -> None:
    refused = client.post(f"{HOME}/predictions", json={"input": {}})
    assert faults(refused) == [("/version", "missing")]
    refused = client.post(f"{HOME}/models/{DIGITS}/predictions", json={"input": {}, "version": DIGITS})
    assert faults(refused) == [("/version", "unknown_field")]


@pytest.mark.parametrize(("after", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5400), ("120", 120)])
def test_a_prediction_may_be_canceled_by_itself(
    client: FlaskClient, services: Services, after: str, seconds: int
) -> None:
    path = f"{HOME}/models/{DIGITS}/predictions"
    made = client.post(path, json={"input": {"seed": 7}}, headers={"Cancel-After": after}).json
    assert services.store.get(made["id"], ANONYMOUS).spec.deadline_seconds == seconds
    assert made["deadline"]


@pytest.mark.parametrize("after", ["soon", "-5s", "1d"])
def test_a_duration_that_is_none_is_refused(client: FlaskClient, after: str) -> None:
    path = f"{HOME}/models/{DIGITS}/predictions"
    refused = client.post(path, json={"input": {"seed": 7}}, headers={"Cancel-After": after})
    assert (refused.status_code, refused.json["code"]) == (400, "invalid_header")


def test_a_failed_prediction_says_why(create: Create, client: FlaskClient, worker: FakeWorker) -> None:
    made = create().json
    worker.fail(worker.claim(made["id"]))
    found = client.get(f"{HOME}/predictions/{made['id']}").json
    assert (found["status"], found["output"], found["error"]) == ("failed", None, "it ends early")


def test_canceling_what_is_done_changes_nothing(client: FlaskClient, done: Json) -> None:
    answer = client.post(f"{HOME}/predictions/{done['id']}/cancel")
    assert (answer.status_code, answer.json) == (200, done)


def test_what_waits_is_canceled(create: Create, client: FlaskClient) -> None:
    made = create().json
    answer = client.post(f"{HOME}/predictions/{made['id']}/cancel")
    assert (answer.status_code, answer.json["status"], answer.json["error"]) == (200, "canceled", None)


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_prediction_that_never_was_is_not_found(client: FlaskClient, method: str) -> None:
    path = f"{HOME}/predictions/job_0" + ("/cancel" if method == "post" else "")
    assert getattr(client, method)(path).status_code == 404


def test_the_list_is_read_page_by_page(create: Create, client: FlaskClient) -> None:
    ids = [create().json["id"] for _ in range(5)]
    address, found = f"{HOME}/predictions?limit=2", []
    while address:
        page = client.get(address).json
        assert page["previous"] is None
        found += [entry["id"] for entry in page["results"]]
        address = page["next"]
        assert address is None or address.startswith(f"http://localhost{HOME}/predictions?limit=2&cursor=")
    assert found == ids[::-1]


def test_the_list_may_be_of_a_time(create: Create, client: FlaskClient) -> None:
    made = create().json
    for name, count in (("created_after", 1), ("created_before", 0)):
        query = {name: made["created_at"]}
        assert len(client.get(f"{HOME}/predictions", query_string=query).json["results"]) == count


def test_a_prediction_outlives_the_card_of_its_model(
    create: Create, services: Services, settings: Settings
) -> None:
    made = create().json
    job = services.store.get(made["id"], ANONYMOUS)
    forgotten = job.spec.model_copy(update={"model": "gone"})
    links = Links.of("http://localhost", "")
    object.__setattr__(job, "spec", forgotten)
    found = prediction_of(job, links, load_catalog(settings.cards))
    assert (found.model, len(found.version)) == ("atelier/gone", 64)
