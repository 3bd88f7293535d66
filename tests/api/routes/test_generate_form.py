"""POST /v1/jobs/generate."""

import json

import pytest
from flask.testing import FlaskClient

PATH = "/v1/jobs/generate"


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_both_kinds_of_form_are_taken(client: FlaskClient, content_type: str) -> None:
    response = client.post(PATH, data={"seed": "7", "digit": "3"}, content_type=content_type)
    assert response.status_code == 202
    assert (response.json["input"]["seeds"], response.json["input"]["digit"]) == ([7], 3)


def test_nothing_at_all_is_one_random_picture(client: FlaskClient) -> None:
    response = client.post(PATH)
    assert (response.status_code, len(response.json["input"]["seeds"])) == (202, 1)


def test_all_fields_reach_the_job(client: FlaskClient) -> None:
    form = {
        "model": "mnist-dcgan",
        "seeds": ["1, 2", "5"],
        "truncation": "0.5",
        "columns": "3",
        "gap": "0",
        "format": "webp",
        "quality": "70",
        "lane": "bulk",
        "metadata": '{"a": "b"}',
    }
    spec = client.post(PATH, data=form).json["input"]
    assert (spec["seeds"], spec["truncation"]) == ([1, 2, 5], 0.5)
    assert (spec["grid"], spec["output"]) == (
        {"columns": 3, "gap": 0},
        {"format": "webp", "quality": 70},
    )


def test_a_walk_becomes_an_animation(client: FlaskClient) -> None:
    form = {
        "interpolate_seeds": "1,2,3",
        "steps": "5",
        "format": "gif",
        "frame_milliseconds": "40",
        "loop": "no",
        "upscale": "4",
        "filter": "lanczos",
        "digit": "7",
    }
    spec = client.post(PATH, data=form).json["input"]
    assert spec["interpolate"] == {"seeds": [1, 2, 3], "latents": None, "steps": 5}
    assert spec["animation"] == {"frame_milliseconds": 40, "loop": False}
    assert spec["upscale"] == {"factor": 4, "filter": "lanczos"}


def test_an_animation_may_be_asked_for_by_a_word(client: FlaskClient) -> None:
    form = {"seeds": "1,2", "format": "webp", "animation": "true"}
    spec = client.post(PATH, data=form).json["input"]
    assert spec["animation"] == {"frame_milliseconds": 80, "loop": True}
    assert client.post(PATH, data={**form, "animation": "false"}).json["input"]["animation"] is None


def test_latents_come_as_json(client: FlaskClient) -> None:
    latents = [[0.5] * 100, [-1] * 100]
    spec = client.post(PATH, data={"latents": json.dumps(latents)}).json["input"]
    assert (spec["latents"], spec["seeds"]) == (latents, None)
    walk = client.post(PATH, data={"interpolate_latents": json.dumps(latents), "steps": "3"}).json["input"]
    assert walk["interpolate"] == {"seeds": None, "latents": latents, "steps": 3}


def test_digits_are_written_out(client: FlaskClient) -> None:
    assert client.post(PATH, data={"digits": "0042"}).json["input"]["digits"] == "0042"


def test_a_count_from_a_seed_on(client: FlaskClient) -> None:
    spec = client.post(PATH, data={"seed": "10", "count": "3"}).json["input"]
    assert spec["seeds"] == [10, 11, 12]


@pytest.mark.parametrize(
    ("form", "pointer", "code"),
    [
        ({"seed": "seven"}, "/seed", "invalid_type"),
        ({"seed": "9" * 40}, "/seed", "invalid_type"),
        ({"seeds": "1,x"}, "/seeds/1", "invalid_type"),
        ({"digit": "10"}, "/digit", "out_of_range"),
        ({"count": "0"}, "/count", "out_of_range"),
        ({"columns": "0"}, "/columns", "out_of_range"),
        ({"seed": ["1", "2"]}, "/seed", "repeated_field"),
        ({"strength": "1"}, "/strength", "unknown_field"),
        ({"digits": "12a"}, "/digits", "invalid_format"),
        ({"latents": "[[1"}, "/latents", "malformed_json"),
        ({"latents": "[[1, 2]]"}, "/latents/0", "invalid_length"),
        ({"interpolate_seeds": "1"}, "/interpolate_seeds", "invalid_length"),
        ({"interpolate_seeds": "1,2", "steps": "1"}, "/steps", "out_of_range"),
        ({"interpolate_seeds": "1,2,3", "steps": "256"}, "/interpolate_seeds", "out_of_range"),
        ({"steps": "4"}, "/steps", "invalid_value"),
        ({"upscale": "33"}, "/upscale", "out_of_range"),
        ({"filter": "cubic"}, "/filter", "invalid_choice"),
        ({"animation": "maybe"}, "/animation", "invalid_type"),
        ({"frame_milliseconds": "1", "format": "gif"}, "/frame_milliseconds", "out_of_range"),
        ({"loop": "maybe", "format": "gif"}, "/loop", "invalid_type"),
        ({"count": "256", "columns": "1", "upscale": "32"}, "/columns", "out_of_range"),
    ],
)
def test_a_bad_field_is_refused_by_name(
    client: FlaskClient, form: dict[str, str], pointer: str, code: str
) -> None:
    response = client.post(PATH, data=form)
    assert response.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in response.json["errors"]] == [(pointer, code)]


def test_json_is_refused_with_advice(client: FlaskClient) -> None:
    response = client.post(PATH, json={"seed": 7})
    assert (response.status_code, response.json["code"]) == (415, "unsupported_media_type")


def test_a_repetition_with_the_same_key_is_the_same_job(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k"}
    first = client.post(PATH, data={"digit": "3"}, headers=headers)
    assert client.post(PATH, data={"digit": "3"}, headers=headers).json["id"] == first.json["id"]
    assert client.post(PATH, data={"digit": "4"}, headers=headers).status_code == 422
