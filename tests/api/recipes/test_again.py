"""POST /v1/jobs/again: the recipe in a picture, over which the request's own fields go."""

import json
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.identifiers import file_id, sha256
from shared.images.recipe import RECIPE
from tests.support.images import pictures
from worker.codec.encode import encode

PATH = "/v1/jobs/again"
STYLE = pictures.png(40, 40)
PHOTO = pictures.jpeg(64, 48)
PAINTED: dict[str, Any] = {
    "atelier": 1,
    "type": "stylize",
    "model": "magenta-mobile@1",
    "styles": [{"image": file_id(sha256(STYLE)), "weight": 2.0}],
    "strength": 0.5,
    "stroke": 256,
    "output": {"format": "jpeg", "quality": 70},
}
DIGIT = {
    "atelier": 1,
    "type": "generate",
    "model": "mnist-dcgan@9",
    "seeds": [7],
    "truncation": 0.5,
    "digit": 3,
}


def picture(recipe: object, format: Any = "png") -> bytes:
    text = recipe if isinstance(recipe, str) else json.dumps(recipe)
    how: dict[str, Any] = {"text" if format == "png" else "properties": {RECIPE: text}}
    return encode(pictures.gradient(), format=format, quality=90, **how).data


def send(client: FlaskClient, data: bytes | str, **form: object) -> TestResponse:
    sent = (BytesIO(data), "a.png") if isinstance(data, bytes) else data
    return client.post(PATH, data={"picture": sent, **form}, content_type="multipart/form-data")


def upload(client: FlaskClient, data: bytes) -> str:
    return str(client.post("/v1/files", data={"file": (BytesIO(data), "a.png")}).json["id"])


def faults(response: TestResponse) -> list[tuple[str, str]]:
    assert response.json is not None
    return [(fault["pointer"], fault["code"]) for fault in response.json["errors"]]


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_another_photo_gets_the_style_and_settings(client: FlaskClient, format: str) -> None:
    upload(client, STYLE)
    response = send(client, picture(PAINTED, format), content=(BytesIO(PHOTO), "b.jpg"))
    assert response.status_code == 202, response.json
    made = response.json["input"]
    assert made["content"] == file_id(sha256(PHOTO))
    assert (made["styles"][0]["image"], made["styles"][0]["weight"]) == (file_id(sha256(STYLE)), 2.0)
    assert (made["strength"], made["stroke"], made["model"]) == (0.5, 256, "magenta-mobile")
    assert made["output"] == {"format": "jpeg", "quality": 70}


def test_fields_of_the_request_go_over_those_of_the_recipe(client: FlaskClient) -> None:
    form = {"content": (BytesIO(PHOTO), "b.jpg"), "style": (BytesIO(pictures.png(50, 50)), "c.png")}
    response = send(client, picture(PAINTED), quality="95", strength="1", **form)
    made = response.json["input"]
    assert made["styles"][0] | {"name": None} == {
        "image": file_id(sha256(pictures.png(50, 50))), "name": None, "number": None, "weight": 1.0
    }  # fmt: skip
    assert (made["output"]["quality"], made["output"]["format"], made["strength"]) == (95, "jpeg", 1.0)
    again = send(client, picture(DIGIT), seed="11")
    assert (again.json["input"]["seeds"], again.json["input"]["digit"]) == ([11], 3)


def test_a_file_says_it_by_its_id_as_a_form_and_as_json(client: FlaskClient) -> None:
    known = upload(client, picture(DIGIT))
    form, body = send(client, known, count="2"), client.post(PATH, json={"picture": known, "digit": None})
    assert form.json["input"]["seeds"] != [7]
    assert (body.status_code, body.json["input"]["seeds"]) == (202, [7])
    assert (body.json["input"]["digit"], body.json["input"]["truncation"]) == (None, 0.5)


def test_a_file_beside_a_picture_says_it_too_with_its_own_photo(client: FlaskClient) -> None:
    upload(client, STYLE)
    whole = {**PAINTED, "content": upload(client, PHOTO)}
    response = send(client, json.dumps(whole, indent=2).encode())
    assert (response.status_code, response.json["input"]["content"]) == (202, whole["content"])


def test_a_repetition_finds_its_job(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k"}
    known = upload(client, picture(DIGIT))
    first, second = (client.post(PATH, json={"picture": known}, headers=headers) for _ in range(2))
    assert first.json["id"] == second.json["id"]
    other = client.post(PATH, json={"picture": known, "seed": 8}, headers=headers)
    assert faults(other) == [("/Idempotency-Key", "idempotency_key_reused")]


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (pictures.png(), "recipe_missing", "this picture has no recipe"),
        (b"GIF89a", "recipe_missing", "this picture has no recipe"),
        (picture("{"), "recipe_invalid", "the recipe is damaged: the recipe is not JSON"),
        (picture("[1]"), "recipe_invalid", "no recipe of Atelier's"),
        (picture({"type": "generate"}), "recipe_invalid", "no recipe of Atelier's"),
        (picture({"atelier": 2}), "recipe_invalid", "of form 2, and this service reads form 1"),
        (picture({"atelier": 1, "type": "paint"}), "recipe_invalid", "must name its model, and its type"),
        (picture(json.dumps({**DIGIT, "x": "y" * 70_000})), "recipe_invalid", "more than 65536 bytes"),
        (picture({**DIGIT, "seeds": [[]] * 5000}), "recipe_invalid", "may have at most 4000 arrays"),
        (picture(PAINTED)[:70], "recipe_invalid", "cut off"),
    ],
)  # fmt: skip
def test_a_picture_that_says_nothing_of_use_is_refused(
    client: FlaskClient, data: bytes, code: str, words: str
) -> None:
    response = send(client, data)
    assert (response.status_code, response.json["code"]) == (422, code)
    assert faults(response) == [("/picture", code)]
    assert words in response.json["detail"]


@pytest.mark.parametrize(
    "extra",
    [
        {"webhook": {"url": "https://evil.example/"}},
        {"metadata": {"a": "b"}},
        {"cache": True},
        {"lane": "bulk"},
        {"styles": [{"image": "https://inside.example/a.png"}]},
        {"content": "data:image/png;base64,AAAA"},
    ],
)
def test_a_recipe_brings_about_no_request_and_tells_nobody(
    client: FlaskClient, extra: dict[str, Any]
) -> None:
    response = send(client, picture({**PAINTED, **extra}), content=(BytesIO(PHOTO), "b.jpg"))
    assert (response.status_code, faults(response)) == (422, [("/picture", "recipe_invalid")])


@pytest.mark.parametrize(("metadata", "taken"), [("all", "safe"), ("safe", "safe")])
def test_where_a_photo_was_taken_is_told_by_the_request_alone(
    client: FlaskClient, metadata: str, taken: str
) -> None:
    upload(client, STYLE)
    recipe = picture({**PAINTED, "output": {"format": "jpeg", "metadata": metadata}})
    silent = send(client, recipe, content=(BytesIO(PHOTO), "b.jpg"))
    assert silent.json["input"]["output"]["metadata"] == taken
    asked = send(client, recipe, content=upload(client, PHOTO), output_metadata="all")
    assert asked.json["input"]["output"]["metadata"] == "all", asked.json


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"strength": 7}, "out_of_range"),
        ({"strengh": 1}, "unknown_field"),
        ({"stroke": "wide"}, "invalid_choice"),
        ({"model": "nobody@1"}, "unknown_model"),
        ({"styles": [{"image": "file_" + "0" * 64}]}, "file_not_found"),
    ],
)
def test_faults_of_the_recipe_are_the_pictures(client: FlaskClient, extra: dict[str, Any], code: str) -> None:
    upload(client, STYLE)
    for sent in ({"content": (BytesIO(PHOTO), "b.jpg")}, {"content": upload(client, PHOTO)}):
        response = send(client, picture({**PAINTED, **extra}), **sent)
        assert faults(response) == [("/picture", code)], response.json
        assert "picture has a recipe that cannot be used here: " in response.json["errors"][0]["detail"]


def test_faults_of_the_request_are_its_own(client: FlaskClient) -> None:
    upload(client, STYLE)
    assert faults(send(client, picture(PAINTED))) == [("/content", "missing")]
    wrong = send(client, picture(PAINTED), content=(BytesIO(PHOTO), "b.jpg"), strength="7", seed="1")
    assert sorted(faults(wrong)) == [("/seed", "unknown_field"), ("/strength", "out_of_range")]
    nothing = client.post(PATH, data={}, content_type="multipart/form-data")
    assert faults(nothing) == [("/picture", "missing")]
    assert faults(send(client, "photo.jpg")) == [("/picture", "invalid_format")]
    assert faults(send(client, "file_" + "0" * 64)) == [("/picture", "file_not_found")]
    assert faults(client.post(PATH, json={"picture": 7})) == [("/picture", "invalid_type")]
    assert client.post(f"{PATH}?dry_run=true", json={}).status_code == 422
