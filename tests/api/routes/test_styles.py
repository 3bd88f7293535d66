"""/v1/styles."""

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.services import Services
from shared.identifiers import file_id, sha256
from tests.support.images.pictures import png, svg

PICTURE = png(20, 20)
NOWHERE = file_id("0" * 64)


def add(client: FlaskClient, name: str = "waves", data: bytes = PICTURE) -> TestResponse:
    return client.post("/v1/styles", data={"name": name, "image": (BytesIO(data), "a.png")})


def upload(client: FlaskClient, data: bytes = PICTURE) -> str:
    return str(client.post("/v1/files", data={"file": (BytesIO(data), "a.png")}).json["id"])


def faults(response: TestResponse) -> set[tuple[str, str]]:
    assert response.json is not None
    return {(fault["pointer"], fault["code"]) for fault in response.json["errors"]}


def test_a_picture_is_kept_under_a_name(client: FlaskClient) -> None:
    response = add(client)
    style = response.json
    assert (response.status_code, style["name"]) == (201, "waves")
    assert style["image"] == file_id(sha256(PICTURE))
    assert response.headers["Location"] == style["urls"]["self"] == "http://localhost/v1/styles/waves"
    assert client.get(style["urls"]["self"]).json == style
    picture = client.get(style["urls"]["image"])
    assert (picture.data, picture.mimetype) == (PICTURE, "image/png")
    assert "immutable" not in picture.headers["Cache-Control"]


def test_a_file_is_kept_by_its_id(client: FlaskClient) -> None:
    known = upload(client)
    assert client.post("/v1/styles", json={"name": "a", "image": known}).status_code == 201
    assert client.post("/v1/styles", data={"name": "b", "image": known}).status_code == 415
    form = client.post("/v1/styles", data={"name": "b", "image": known}, content_type="multipart/form-data")
    assert (form.status_code, form.json["image"]) == (201, known)


def test_the_same_again_changes_nothing_and_another_picture_is_refused(client: FlaskClient) -> None:
    first = add(client)
    again = add(client)
    assert (again.status_code, again.json) == (200, first.json)
    other = add(client, data=png(30, 30))
    assert (other.status_code, faults(other)) == (409, {("/name", "style_exists")})


def test_a_styles_file_stays_until_the_style_is_forgotten(client: FlaskClient) -> None:
    style = add(client).json
    refused = client.delete(f"/v1/files/{style['image']}")
    assert (refused.status_code, refused.json["code"]) == (409, "file_in_use")
    assert client.delete("/v1/styles/waves").status_code == 204
    assert client.delete(f"/v1/files/{style['image']}").status_code == 204
    for path in ("/v1/styles/waves", "/v1/styles/waves/image"):
        assert client.get(path).json["code"] == "style_not_found"
    assert client.delete("/v1/styles/waves").status_code == 404


def test_styles_come_newest_first_page_by_page(client: FlaskClient) -> None:
    for name in ("a", "b", "c"):
        add(client, name)
    first = client.get("/v1/styles?limit=2")
    assert [style["name"] for style in first.json["data"]] == ["c", "b"]
    link = first.headers["Link"]
    second = client.get(link[1 : link.index(">")])
    assert [style["name"] for style in second.json["data"]] == ["a"]
    assert second.json["next_cursor"] is None


def test_built_in_styles_are_listed_with_a_picture_of_all(client: FlaskClient) -> None:
    (builtin,) = client.get("/v1/styles").json["builtin"]
    assert builtin["model"] == "multistyle-26"
    assert [style["number"] for style in builtin["styles"]] == list(range(26))
    sheet = client.get(builtin["sheet_url"])
    assert (sheet.status_code, sheet.mimetype, sheet.data[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")
    same = client.get(builtin["sheet_url"], headers={"If-None-Match": sheet.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")


def test_a_model_without_styles_of_its_own_has_no_sheet(client: FlaskClient) -> None:
    assert client.get("/v1/styles/builtin/magenta-mobile/sheet").json["code"] == "not_found"
    assert client.get("/v1/styles/builtin/nobody/sheet").json["code"] == "unknown_model"


@pytest.mark.parametrize(
    ("form", "status", "fault"),
    [
        ({"name": None}, 422, ("/name", "missing")),
        ({"image": None}, 422, ("/image", "missing")),
        ({"name": "Große Welle"}, 422, ("/name", "invalid_format")),
        ({"name": "7"}, 422, ("/name", "invalid_value")),
        ({"name": ["a", "b"]}, 422, ("/name", "repeated_field")),
        ({"image": svg()}, 415, ("/image", "unsupported_image_format")),
        ({"image": NOWHERE}, 422, ("/image", "file_not_found")),
        ({"image": "waves.png"}, 422, ("/image", "invalid_format")),
        ({"color": "red"}, 422, ("/color", "unknown_field")),
    ],
)
def test_bad_input_is_refused_by_name_and_nothing_kept(
    client: FlaskClient, services: Services, form: dict[str, Any], status: int, fault: tuple[str, str]
) -> None:
    given = {"name": "waves", "image": PICTURE, **form}
    data = {
        name: (BytesIO(value), "a.png") if isinstance(value, bytes) else value
        for name, value in given.items()
        if value is not None
    }
    response = client.post("/v1/styles", data=data, content_type="multipart/form-data")
    assert (response.status_code, faults(response)) == (status, {fault})
    assert list(services.objects.keys("inputs/")) == []
    assert client.get("/v1/styles").json["data"] == []


def test_a_name_sent_as_a_file_is_not_missing(client: FlaskClient) -> None:
    form = {"name": (BytesIO(b"waves"), "name.txt"), "image": (BytesIO(PICTURE), "a.png")}
    response = client.post("/v1/styles", data=form)
    assert (response.status_code, faults(response)) == (422, {("/name", "invalid_type")})


def test_bad_json_is_refused_by_field(client: FlaskClient) -> None:
    response = client.post("/v1/styles", json={"name": 7, "file": NOWHERE})
    assert faults(response) == {("/name", "invalid_type"), ("/image", "missing"), ("/file", "unknown_field")}
    assert client.post("/v1/styles", json=[1]).status_code == 422


def test_a_job_names_a_style_and_keeps_its_picture(client: FlaskClient) -> None:
    style, content = add(client).json["image"], upload(client, png(40, 30))
    body = {"type": "stylize", "content": content, "styles": [{"name": "waves", "weight": 2}]}
    job = client.post("/v1/jobs", json=body).json
    assert job["input"]["styles"] == [{"image": style, "name": "waves", "number": None, "weight": 2.0}]
    client.delete("/v1/styles/waves")
    assert client.delete(f"/v1/files/{style}").status_code == 409
    assert client.post("/v1/jobs", json=job["input"]).status_code == 202


def test_a_repetition_is_the_same_job_though_the_style_is_gone(client: FlaskClient) -> None:
    add(client)
    content = upload(client, png(40, 30))
    body = {"type": "stylize", "content": content, "styles": [{"name": "waves"}]}
    headers = {"Idempotency-Key": "k"}
    first = client.post("/v1/jobs", json=body, headers=headers).json["id"]
    client.put("/v1/jobs/mine", json=body)
    client.delete("/v1/styles/waves")
    assert client.post("/v1/jobs", json=body, headers=headers).json["id"] == first
    assert client.put("/v1/jobs/mine", json=body).json["id"] == "mine"
    other = {**body, "strength": 0.5}
    assert faults(client.put("/v1/jobs/mine", json=other)) == {("/id", "idempotency_key_reused")}
    assert client.put("/v1/jobs/other", json=body).json["code"] == "style_not_found"


def test_a_form_names_a_style(client: FlaskClient) -> None:
    add(client)
    form = {"content": (BytesIO(png(40, 30)), "a.png"), "style": "waves"}
    job = client.post("/v1/jobs/stylize", data=form).json
    assert job["input"]["styles"][0]["name"] == "waves"


def test_an_unknown_style_is_named_by_field(client: FlaskClient) -> None:
    content = upload(client)
    body = {"type": "stylize", "content": content, "styles": [{"image": content}, {"name": "nothing"}]}
    response = client.post("/v1/jobs", json=body)
    assert (response.status_code, faults(response)) == (422, {("/styles/1/name", "style_not_found")})
    form = {"content": (BytesIO(png(50, 40)), "a.png"), "style": "nothing"}
    response = client.post("/v1/jobs/stylize", data=form)
    assert (response.status_code, faults(response)) == (422, {("/style/0", "style_not_found")})
    assert len(client.get("/v1/files").json["data"]) == 1
