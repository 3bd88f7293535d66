"""POST /v1/jobs."""

import httpx
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.services import Services
from shared.identifiers import ANONYMOUS, file_id
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.queue.celery_app import queue_of
from shared.specs.parts import Lane
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import PICTURE, FakeWorker

GENERATE = {"type": "generate", "seed": 7}
NOWHERE = file_id("0" * 64)


def stored(services: Services, data: bytes) -> str:
    return services.files.add(ANONYMOUS, data, probe(data, ImageLimits()))[0].id


def faults(response: object) -> set[tuple[str, str]]:
    return {(fault["pointer"], fault["code"]) for fault in response.json["errors"]}  # type: ignore[attr-defined]


def test_a_job_is_accepted_and_says_where_it_is(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", json=GENERATE)
    assert response.status_code == 202
    assert response.headers["Location"] == f"http://localhost/v1/jobs/{response.json['id']}"
    assert 1 <= int(response.headers["Retry-After"]) <= 30
    assert (response.json["status"], response.json["done"]) == ("queued", False)
    assert response.json["input"]["seeds"] == [7]
    assert response.json["urls"]["self"] == response.headers["Location"]


def test_an_accepted_job_rings_its_lane(client: FlaskClient, services: Services) -> None:
    client.post("/v1/jobs", json={**GENERATE, "lane": "bulk"})
    assert services.store.client.llen(queue_of(Lane.BULK)) == 1


def test_a_stylization_names_uploaded_files(client: FlaskClient, services: Services) -> None:
    picture = stored(services, png())
    body = {"type": "stylize", "content": picture, "styles": [{"image": picture}], "metadata": {"a": "b"}}
    response = client.post("/v1/jobs", json=body)
    assert (response.status_code, response.json["metadata"]) == (202, {"a": "b"})
    assert response.json["input"]["strength"] == 1.0


def test_a_waiting_job_knows_its_place(client: FlaskClient, worker: FakeWorker) -> None:
    worker.announce("mnist-dcgan")
    first = client.post("/v1/jobs", json=GENERATE).json
    worker.run(first["id"])
    client.post("/v1/jobs", json=GENERATE)
    second = client.post("/v1/jobs", json=GENERATE).json
    assert (second["queue"]["lane"], second["queue"]["position"]) == ("interactive", 2)
    assert second["queue"]["eta_seconds"] is not None


def test_every_bad_field_is_named_at_once(client: FlaskClient) -> None:
    body = {
        "type": "stylize",
        "content": "photo.jpg",
        "strength": 7,
        "color": "red",
        "output": {"quality": 0},
        "metadata": {"a": 1},
    }
    response = client.post("/v1/jobs", json=body)
    assert (response.status_code, response.json["code"]) == (422, "invalid_request")
    assert faults(response) == {
        ("/content", "invalid_format"),
        ("/styles", "missing"),
        ("/strength", "out_of_range"),
        ("/color", "unknown_field"),
        ("/output/quality", "out_of_range"),
        ("/metadata/a", "invalid_type"),
    }


def test_faults_within_parts_are_named_with_those_of_the_card(client: FlaskClient) -> None:
    body = {
        "type": "generate",
        "interpolate": {"latents": [[1.0], [2.0]]},
        "digits": "12x",
        "upscale": {"factor": 0},
        "a/b": 1,
    }
    response = client.post("/v1/jobs", json=body)
    assert faults(response) == {
        ("/interpolate/latents/0", "invalid_length"),
        ("/interpolate/latents/1", "invalid_length"),
        ("/digits", "invalid_format"),
        ("/upscale/factor", "out_of_range"),
        ("/a~1b", "unknown_field"),
    }


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"colour": 1}, "/colour", "unknown_field"),
        ({"type": "paint"}, "/type", "invalid_choice"),
        ({"model": "nobody"}, "/model", "unknown_model"),
        ({"model": "magenta-mobile"}, "/model", "unknown_model"),
        ({"seed": -1}, "/seed", "out_of_range"),
        ({"seed": "7"}, "/seed", "invalid_type"),
        ({"digit": 10}, "/digit", "out_of_range"),
        ({"count": 257}, "/count", "out_of_range"),
        ({"truncation": 3}, "/truncation", "out_of_range"),
        ({"lane": "slow"}, "/lane", "invalid_choice"),
        ({"seeds": [1]}, "", "invalid_value"),
        ({"output": {"format": "svg"}}, "/output/format", "invalid_choice"),
    ],
)
def test_a_bad_field_is_refused_by_name(
    client: FlaskClient, change: dict[str, object], pointer: str, code: str
) -> None:
    response = client.post("/v1/jobs", json={**GENERATE, **change})
    assert response.status_code == 422
    assert faults(response) == {(pointer, code)}


def test_a_limit_is_told_with_the_value(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", json={**GENERATE, "digit": 12})
    assert response.json["detail"] == "digit must be between 0 and 9; got 12"


def test_files_that_are_not_there_are_named(client: FlaskClient) -> None:
    body = {"type": "stylize", "content": NOWHERE, "styles": [{"image": NOWHERE}]}
    response = client.post("/v1/jobs", json=body)
    assert (response.status_code, response.json["code"]) == (422, "file_not_found")
    assert faults(response) == {("/content", "file_not_found"), ("/styles/0/image", "file_not_found")}


def test_a_picture_larger_than_the_model_takes_is_refused(client: FlaskClient, services: Services) -> None:
    picture = stored(services, png(4200, 40))
    body = {"type": "stylize", "model": "magenta-v1-256", "content": picture, "styles": [{"image": picture}]}
    native = {**body, "stroke": "native"}
    response = client.post("/v1/jobs", json=native)
    assert (response.status_code, faults(response)) == (422, {("/content", "image_too_large")})
    small = client.post("/v1/jobs", json={**native, "size": {"max_side": 2100}})
    assert small.status_code == 202
    bold = client.post("/v1/jobs", json={**body, "stroke": 1000})
    assert bold.status_code == 202
    thin = client.post("/v1/jobs", json={**body, "size": {"max_side": 1000}})
    assert (thin.status_code, thin.json["code"]) == (422, "image_too_small")


def test_a_large_picture_needs_no_word_about_strokes(client: FlaskClient, services: Services) -> None:
    picture = stored(services, png(4200, 1100))
    for model in ("magenta-v1-256", "nst-gatys"):
        body = {"type": "stylize", "model": model, "content": picture, "styles": [{"image": picture}]}
        response = client.post("/v1/jobs", json=body)
        assert (response.status_code, response.json["input"]["stroke"]) == (202, 1024)
        batch = client.post("/v1/batches", json={"items": [body]})
        assert batch.status_code == 202, batch.json


def test_a_type_without_a_default_model_needs_a_name(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", json={"type": "transform", "content": NOWHERE})
    assert (response.status_code, faults(response)) == (422, {("/model", "unknown_model")})


def test_malformed_json_is_a_400(client: FlaskClient) -> None:
    for text in (
        b'{"type":',
        b"",
        b'{"type":"generate","truncation":NaN}',
        b"[" * 3000,
        b'"\\ud800"',
        b"\xff",
    ):
        response = client.post("/v1/jobs", data=text, content_type="application/json")
        assert (response.status_code, response.json["code"]) == (400, "malformed_json")


def test_another_media_type_is_a_415(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", data="seed=7", content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json["code"]) == (415, "unsupported_media_type")
    assert "application/json" in response.json["detail"]


def test_a_body_over_the_limit_is_a_413(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", data=b" " * 1_100_000, content_type="application/json")
    assert (response.status_code, response.json["code"]) == (413, "body_too_large")
    assert "1048576" in response.json["detail"]


def test_a_body_of_unknown_length_over_the_limit_is_a_413(live: httpx.Client) -> None:
    pieces = iter([b" " * 100_000] * 12)
    response = live.post("/v1/jobs", content=pieces, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_the_same_key_and_body_give_the_same_job(client: FlaskClient, services: Services) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = client.post("/v1/jobs", json={"type": "generate"}, headers=headers)
    again = client.post("/v1/jobs", json={"output": {}, "type": "generate"}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json["id"] == first.json["id"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert services.store.client.llen(queue_of(Lane.INTERACTIVE)) == 1


def test_a_quoted_key_is_the_same_key(client: FlaskClient) -> None:
    first = client.post("/v1/jobs", json=GENERATE, headers={"Idempotency-Key": '"k1"'})
    again = client.post("/v1/jobs", json=GENERATE, headers={"Idempotency-Key": "k1"})
    assert again.json["id"] == first.json["id"]


def test_a_repetition_of_a_finished_job_is_a_200(client: FlaskClient, worker: FakeWorker) -> None:
    headers = {"Idempotency-Key": "k1"}
    worker.run(client.post("/v1/jobs", json=GENERATE, headers=headers).json["id"])
    again = client.post("/v1/jobs", json=GENERATE, headers=headers)
    assert (again.status_code, again.json["status"]) == (200, "succeeded")


def test_the_same_key_with_another_body_is_refused(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    client.post("/v1/jobs", json=GENERATE, headers=headers)
    response = client.post("/v1/jobs", json={**GENERATE, "seed": 8}, headers=headers)
    assert (response.status_code, response.json["code"]) == (422, "idempotency_key_reused")
    assert faults(response) == {("/Idempotency-Key", "idempotency_key_reused")}


@pytest.mark.parametrize("key", ["", "k" * 256, "ключ".encode().decode("latin-1"), 'a"b'])
def test_a_key_that_is_no_key_is_a_400(client: FlaskClient, key: str) -> None:
    response = client.post("/v1/jobs", json=GENERATE, headers={"Idempotency-Key": key})
    assert (response.status_code, response.json["code"]) == (400, "invalid_header")


def test_respond_async_is_honored(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", json=GENERATE, headers={"Prefer": "respond-async"})
    assert (response.status_code, response.headers["Preference-Applied"]) == (202, "respond-async")


def test_a_wait_that_runs_out_is_a_202(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", json=GENERATE, headers={"Prefer": "respond-async, wait=0.05"})
    assert (response.status_code, response.headers["Preference-Applied"]) == (202, "wait=0.05")


def test_an_equal_job_answers_from_the_store(client: FlaskClient, worker: FakeWorker) -> None:
    worker.announce("mnist-dcgan")
    asked = {**GENERATE, "cache": True}
    first = client.post("/v1/jobs", json=asked).json
    worker.run(first["id"])
    again = client.post("/v1/jobs", json={**asked, "metadata": {"a": "b"}}).json
    assert (again["status"], again["cached_from"], again["attempts"]) == ("succeeded", first["id"], [])
    assert client.get(again["outputs"][0]["url"]).data == PICTURE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = (
    "model", "output", "lane", "ttl_seconds", "deadline_seconds", "metadata", "seed", "count",
    "seeds", "digit", "truncation", "grid", "content", "styles", "strength", "size", "latents", "interpolate",
    "digits", "animation", "upscale", "optimize", "mask", "stroke", "preserve_color", "steadiness",
    "cache",
)  # fmt: skip
NEARLY = st.builds(
    lambda kind, fields: {"type": kind, **fields},
    st.sampled_from(["generate", "stylize", "transform"]),
    st.dictionaries(
        st.sampled_from(FIELDS), JSON | st.integers(min_value=10**30, max_value=10**320), max_size=5
    ),
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | NEARLY)
def test_no_json_at_all_is_a_fault_of_the_service(client: FlaskClient, body: object) -> None:
    assert client.post("/v1/jobs", json=body).status_code < 500
