"""Files, as each of the clients sends them."""

import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.replicate.conftest import HOME, PAINTER, Json
from tests.support.images.pictures import png

PHOTO = png(40, 30)


def upload(client: FlaskClient, name: str = "photo.png", **parts: Any) -> TestResponse:
    return client.post(f"{HOME}/files", data={"content": (io.BytesIO(PHOTO), name), **parts})


def test_a_file_has_what_the_clients_demand(client: FlaskClient) -> None:
    made = upload(client)
    file = made.json
    assert made.status_code == 201
    assert (file["name"], file["content_type"], file["size"]) == ("photo.png", "image/png", len(PHOTO))
    assert file["id"] == f"file_{file['etag']}"
    assert file["checksums"] == {"sha256": file["etag"]}
    assert file["urls"] == {"get": f"http://localhost{HOME}/files/{file['id']}"}
    assert client.get(file["urls"]["get"]).json == file
    assert client.get(f"{HOME}/files").json == {"previous": None, "next": None, "results": [file]}


@pytest.mark.parametrize(
    ("parts", "kept"),
    [
        ({}, {}),
        ({"metadata": '{"customer": 123}'}, {"customer": 123}),  # the Python client 1
        ({"metadata": (io.BytesIO(b'{"customer": 123}'), "blob", "application/json")}, {"customer": 123}),
        ({"metadata[customer]": "123", "metadata[a b]": "c"}, {"customer": "123", "a b": "c"}),  # 2
    ],
    ids=["none", "text", "JavaScript's file", "pairs"],
)
def test_metadata_come_back(client: FlaskClient, parts: Json, kept: Json) -> None:
    file = upload(client, **parts).json
    assert file["metadata"] == client.get(f"{HOME}/files/{file['id']}").json["metadata"] == kept


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"metadata": "[1]"}, "/metadata"),
        ({"metadata": "{"}, "/metadata"),
        ({"metadata": json.dumps({"a": "x" * 4096})}, "/metadata"),
        ({"metadata": (io.BytesIO(b"x" * 5000), "blob")}, "/metadata"),
        ({"metadata[a][b]": "1"}, "/metadata[a][b]"),
        ({"filename": "x" * 256}, "/filename"),
        ({"other": "1"}, "/other"),
        ({"metadata": ["{}", "{}"]}, "/metadata"),
    ],
)
def test_what_is_wrong_with_an_upload_is_told_by_its_field(
    client: FlaskClient, parts: Json, place: str
) -> None:
    refused = upload(client, **parts)
    assert refused.status_code == 422, refused.json
    assert [fault["pointer"] for fault in refused.json["errors"]] == [place]
    assert client.get(f"{HOME}/files").json["results"] == []


def test_the_same_picture_again_is_the_same_file_under_its_latest_name(client: FlaskClient) -> None:
    first, second = upload(client).json, upload(client, "b.png", filename="größer.png").json
    assert first["id"] == second["id"]
    assert [file["name"] for file in client.get(f"{HOME}/files").json["results"]] == ["größer.png"]


def test_a_name_is_text_in_any_language(client: FlaskClient) -> None:
    assert upload(client, "사진.png").json["name"] == "사진.png"


def test_what_is_no_picture_is_no_file(client: FlaskClient) -> None:
    refused = client.post(f"{HOME}/files", data={"content": (io.BytesIO(b"PK\3\4"), "archive.zip")})
    assert (refused.status_code, refused.json["code"]) == (415, "unsupported_image_format")
    refused = client.post(f"{HOME}/files", data={"metadata": "{}"}, content_type="multipart/form-data")
    assert [fault["pointer"] for fault in refused.json["errors"]] == ["/content"]
    assert client.post(f"{HOME}/files", json={}).status_code == 415


def test_a_file_is_deleted_unless_a_job_needs_it(client: FlaskClient) -> None:
    file = upload(client).json
    given = {"content": file["urls"]["get"], "styles": [{"image": file["urls"]["get"]}]}
    made = client.post(f"{HOME}/models/{PAINTER}/predictions", json={"input": given}).json
    assert client.delete(f"{HOME}/files/{file['id']}").status_code == 409
    client.post(f"{HOME}/predictions/{made['id']}/cancel")
    gone = client.delete(f"{HOME}/files/{file['id']}")
    assert (gone.status_code, gone.data) == (204, b"")
    assert client.get(f"{HOME}/files/{file['id']}").status_code == 404


def test_files_of_the_native_api_are_here_too(client: FlaskClient) -> None:
    native = client.post("/v1/files", data={"file": (io.BytesIO(PHOTO), "a.png")}).json
    file = client.get(f"{HOME}/files/{native['id']}").json
    assert (file["name"], file["metadata"]) == (native["id"], {})
