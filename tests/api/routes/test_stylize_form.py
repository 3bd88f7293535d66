"""POST /v1/jobs/stylize."""

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.services import Services
from shared.identifiers import file_id, sha256
from tests.support.images import phones
from tests.support.images.pictures import giant_png, gif, jpeg, png, svg, text, truncated

CONTENT, STYLE = jpeg(40, 30), png(20, 20)


def part(data: bytes, name: str = "a.png") -> tuple[BytesIO, str]:
    return BytesIO(data), name


def stylize(client: FlaskClient, headers: dict[str, str] | None = None, **fields: Any) -> TestResponse:
    form = {"content": part(CONTENT), "style": part(STYLE), **fields}
    given = {name: value for name, value in form.items() if value is not None}
    return client.post("/v1/jobs/stylize", data=given, headers=headers, content_type="multipart/form-data")


def faults(response: TestResponse) -> set[tuple[str, str]]:
    assert response.json is not None
    return {(fault["pointer"], fault["code"]) for fault in response.json["errors"]}


def nothing_stored(services: Services) -> bool:
    return not list(services.objects.keys("inputs/")) and not services.store.client.keys("atelier:job:*")


def test_two_pictures_become_a_job(client: FlaskClient) -> None:
    response = stylize(client)
    assert response.status_code == 202
    assert response.headers["Location"].endswith(response.json["id"])
    assert response.json["input"]["content"] == file_id(sha256(CONTENT))
    (style,) = response.json["input"]["styles"]
    assert (style["image"], style["weight"]) == (file_id(sha256(STYLE)), 1.0)


def test_what_a_result_takes_over_reaches_the_job(client: FlaskClient) -> None:
    spec = stylize(client, profile="keep", output_metadata="safe").json["input"]
    assert (spec["output"]["profile"], spec["output"]["metadata"]) == ("keep", "safe")
    default = stylize(client).json["input"]["output"]
    assert not {"profile", "metadata"} & default.keys()  # as before there were such


def test_what_cannot_be_taken_over_is_refused_by_its_field(client: FlaskClient) -> None:
    response = stylize(client, profile="p3", output_metadata="gps")
    assert response.status_code == 422
    assert {pointer for pointer, _ in faults(response)} == {"/profile", "/output_metadata"}
    generated = client.post("/v1/jobs/generate", data={"seed": "1", "profile": "keep"})
    assert generated.status_code == 422
    assert "there is none" in generated.json["detail"]


@pytest.mark.parametrize("format", ["heic", "avif"])
def test_a_phones_picture_is_content_and_style(client: FlaskClient, format: str) -> None:
    data = phones.oriented(6, format)
    response = stylize(client, content=part(data, f"IMG.{format}"), style=part(data))
    assert response.status_code == 202
    file = client.get(f"/v1/files/{response.json['input']['content']}").json
    assert (file["width"], file["height"], file["content_type"]) == (160, 120, f"image/{format}")


def test_all_fields_reach_the_job(client: FlaskClient) -> None:
    response = stylize(
        client,
        strength="0.5",
        model="magenta-mobile",
        max_side="24",
        format="jpeg",
        quality="80",
        lane="bulk",
        ttl_seconds="60",
        metadata='{"who": "me"}',
    )
    spec = response.json["input"]
    assert (spec["strength"], spec["model"], spec["size"]) == (0.5, "magenta-mobile", {"max_side": 24})
    assert (spec["output"], spec["lane"]) == ({"format": "jpeg", "quality": 80}, "bulk")
    assert (spec["ttl_seconds"], response.json["metadata"]) == (60, {"who": "me"})


def test_every_wish_of_a_stylization_reaches_the_job(client: FlaskClient) -> None:
    mask = png(10, 10)
    wishes = {"preserve_color": "on", "stroke": "128", "steadiness": "0.25", "mask": part(mask)}
    spec = stylize(client, **wishes).json["input"]
    assert (spec["preserve_color"], spec["stroke"], spec["steadiness"]) == (True, 128, 0.25)
    assert spec["mask"] == file_id(sha256(mask))
    assert client.get(f"/v1/files/{spec['mask']}").status_code == 200


@pytest.mark.parametrize("field", ["content", "style", "mask"])
def test_only_frames_that_are_used_have_a_limit(client: FlaskClient, field: str) -> None:
    response = stylize(client, **{field: part(gif(60))})
    assert response.status_code == 202
    if field != "content":
        film = {"format": "gif", field: part(gif(60)), "content": part(gif(3))}
        assert stylize(client, **film).status_code == 202


def test_a_form_may_ask_for_native_strokes(client: FlaskClient) -> None:
    asked = [stylize(client, **given).json["input"]["stroke"] for given in ({}, {"stroke": "native"})]
    assert asked == [1024, "native"]


def test_an_optimization_has_its_own_fields(client: FlaskClient) -> None:
    options = {
        "steps": "50",
        "style_weight": "2.5",
        "content_weight": "3",
        "variation_weight": "0",
        "optimizer": "lbfgs",
        "preview_every": "10",
    }
    picture = part(png(64, 48))
    spec = stylize(client, model="nst-gatys", content=picture, **options).json["input"]
    numbers = {"steps": 50, "style_weight": 2.5, "content_weight": 3, "variation_weight": 0}
    assert spec["optimize"] == {**numbers, "optimizer": "lbfgs", "preview_every": 10}


def test_built_in_styles_are_mixed_by_number(client: FlaskClient) -> None:
    response = stylize(client, model="multistyle-26", style=["3", "25"], weight=["2", "1"])
    styles = [(style["number"], style["weight"]) for style in response.json["input"]["styles"]]
    assert styles == [(3, 2.0), (25, 1.0)]


def test_weights_of_uploads_and_names_together_are_refused(client: FlaskClient) -> None:
    known = client.post("/v1/files", data={"file": part(CONTENT)}).json["id"]
    mixed = {"style": [part(STYLE), known], "weight": ["1", "2"]}
    assert faults(stylize(client, **mixed)) == {("/weight", "ambiguous")}
    mixed = {"style": [part(STYLE), known]}
    assert len(stylize(client, **mixed).json["input"]["styles"]) == 2


@pytest.mark.parametrize("output", ["png", "gif"])
def test_animations_are_taken_wherever_a_picture_is(client: FlaskClient, output: str) -> None:
    film = gif(48, 24, 24)
    response = stylize(client, content=part(film), style=part(film), mask=part(film), format=output)
    assert response.status_code == 202


def test_several_styles_have_weights(client: FlaskClient) -> None:
    response = stylize(client, style=[part(STYLE), part(CONTENT)], weight=["3", "1"])
    assert [style["weight"] for style in response.json["input"]["styles"]] == [3.0, 1.0]


def test_an_uploaded_file_may_be_named(client: FlaskClient) -> None:
    known = client.post("/v1/files", data={"file": part(CONTENT)}).json["id"]
    response = stylize(client, content=known)
    assert (response.status_code, response.json["input"]["content"]) == (202, known)


def test_a_file_that_is_not_there_is_named(client: FlaskClient) -> None:
    response = stylize(client, style=file_id("0" * 64))
    assert (response.status_code, faults(response)) == (422, {("/style/0", "file_not_found")})
    assert faults(stylize(client, mask=file_id("0" * 64))) == {("/mask", "file_not_found")}


@pytest.mark.parametrize(
    ("fields", "status", "fault"),
    [
        ({"color": "red"}, 422, ("/color", "unknown_field")),
        ({"photo": part(STYLE)}, 422, ("/photo", "unknown_field")),
        ({"mask": part(svg())}, 415, ("/mask", "unsupported_image_format")),
        ({"mask": [part(STYLE), part(CONTENT)]}, 422, ("/mask", "repeated_field")),
        ({"preserve_color": "perhaps"}, 422, ("/preserve_color", "invalid_type")),
        ({"stroke": "10"}, 422, ("/stroke", "out_of_range")),
        ({"stroke": "bold"}, 422, ("/stroke", "invalid_choice")),
        ({"steadiness": "2"}, 422, ("/steadiness", "out_of_range")),
        ({"steps": "50"}, 422, ("/steps", "unknown_parameter")),
        ({"model": "nst-gatys", "steps": "5"}, 422, ("/steps", "out_of_range")),
        ({"model": "nst-gatys", "optimizer": "sgd"}, 422, ("/optimizer", "invalid_choice")),
        ({"style": "3"}, 422, ("/style/0", "unknown_parameter")),
        ({"model": "multistyle-26", "style": "26"}, 422, ("/style/0", "out_of_range")),
        ({"model": "multistyle-26"}, 422, ("/style/0", "unknown_parameter")),
        ({"format": "gif", "quality": "0"}, 422, ("/quality", "out_of_range")),
        ({"style": None}, 422, ("/style", "missing")),
        ({"content": None}, 422, ("/content", "missing")),
        ({"strength": "7"}, 422, ("/strength", "out_of_range")),
        ({"strength": "much"}, 422, ("/strength", "invalid_type")),
        ({"strength": "nan"}, 422, ("/strength", "out_of_range")),
        ({"strength": ["0.1", "0.2"]}, 422, ("/strength", "repeated_field")),
        ({"max_side": "1"}, 422, ("/max_side", "out_of_range")),
        ({"format": "bmp"}, 422, ("/format", "invalid_choice")),
        ({"weight": "0"}, 422, ("/weight/0", "out_of_range")),
        ({"weight": ["1", "1"]}, 422, ("/weight", "invalid_length")),
        ({"metadata": "{"}, 422, ("/metadata", "malformed_json")),
        ({"metadata": "[]"}, 422, ("/metadata", "invalid_type")),
        ({"model": "nobody"}, 422, ("/model", "unknown_model")),
        ({"content": part(giant_png())}, 422, ("/content", "image_too_large")),
        ({"content": part(text(), "a.png")}, 415, ("/content", "unsupported_image_format")),
        ({"style": part(svg())}, 415, ("/style/0", "unsupported_image_format")),
        ({"content": part(gif(60)), "format": "gif"}, 422, ("/content", "too_many_frames")),
        ({"content": part(gif(60)), "format": "webp"}, 422, ("/content", "too_many_frames")),
        ({"content": part(gif(40, 1300, 1300)), "format": "gif"}, 422, ("/content", "image_too_large")),
        ({"content": part(truncated(CONTENT, 0.2))}, 422, ("/content", "corrupt_image")),
        (
            {"content": part(png(4100, 20)), "model": "magenta-v1-256", "stroke": "native"},
            422,
            ("/content", "image_too_large"),
        ),
        ({"content": "photo.jpg"}, 422, ("/content", "invalid_format")),
    ],
)
def test_bad_input_is_refused_by_name_and_not_stored(
    client: FlaskClient, services: Services, fields: dict[str, Any], status: int, fault: tuple[str, str]
) -> None:
    response = stylize(client, **{k: _fresh(v) for k, v in fields.items()})
    assert (response.status_code, faults(response)) == (status, {fault})
    assert nothing_stored(services)


def _fresh(value: Any) -> Any:
    """Copy an open part: the client closes what it sends, and parameters are shared by runs."""
    if isinstance(value, list):
        return [_fresh(item) for item in value]
    return part(value[0].getvalue(), value[1]) if isinstance(value, tuple) else value


def test_everything_wrong_is_named_at_once(client: FlaskClient, services: Services) -> None:
    response = stylize(
        client,
        content=part(text()),
        style=[part(STYLE), part(svg())],
        strength="7",
        quality="0",
        color="red",
        model="nobody",
    )
    assert (response.status_code, response.json["code"]) == (422, "invalid_request")
    assert faults(response) == {
        ("/content", "unsupported_image_format"),
        ("/style/1", "unsupported_image_format"),
        ("/quality", "out_of_range"),
        ("/color", "unknown_field"),
        ("/model", "unknown_model"),
    }
    assert nothing_stored(services)


def test_details_speak_of_the_forms_fields(client: FlaskClient) -> None:
    detail = stylize(client, quality="0").json["detail"]
    assert detail.startswith("quality must be at least 1; got 0")
    assert stylize(client, style=None).json["detail"] == "style is missing"


def test_the_same_key_and_pictures_give_the_same_job(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k"}
    first = stylize(client, headers)
    assert stylize(client, headers).json["id"] == first.json["id"]


def test_the_same_key_with_another_picture_stores_nothing(client: FlaskClient, services: Services) -> None:
    headers = {"Idempotency-Key": "k"}
    stylize(client, headers)
    response = stylize(client, headers, content=part(png(50, 50)))
    assert (response.status_code, response.json["code"]) == (422, "idempotency_key_reused")
    assert len(list(services.objects.keys("inputs/"))) == 2


def test_json_is_refused_with_advice(client: FlaskClient) -> None:
    response = client.post("/v1/jobs/stylize", json={})
    assert (response.status_code, response.json["code"]) == (415, "unsupported_media_type")
    assert "multipart/form-data" in response.json["detail"]


def test_a_body_over_the_limit_is_a_413(client: FlaskClient, services: Services) -> None:
    response = stylize(client, content=part(bytes(services.settings.limits.max_body_bytes)))
    assert (response.status_code, response.json["code"]) == (413, "body_too_large")


def test_a_garbled_form_is_refused(client: FlaskClient) -> None:
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
        response = client.post("/v1/jobs/stylize", data=b"--y\r\nnonsense", content_type=content_type)
        assert 400 <= response.status_code < 500
