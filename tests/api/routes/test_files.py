"""/v1/files."""

from io import BytesIO

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.services import Services
from shared.identifiers import sha256
from tests.support.images.camera_raws import number, raws, tiff_with
from tests.support.images.metadata import bad_chunks, inserted
from tests.support.images.pictures import giant_png, jpeg, oriented, png, svg, text, tiny, truncated
from tests.support.jobs.fake_worker import FakeWorker


def upload(client: FlaskClient, data: bytes, name: str = "photo.png") -> TestResponse:
    return client.post("/v1/files", data={"file": (BytesIO(data), name)})


def test_an_upload_is_described(client: FlaskClient) -> None:
    data = png(32, 24)
    response = upload(client, data)
    file = response.json
    assert (response.status_code, file["id"]) == (201, f"file_{sha256(data)}")
    assert (file["width"], file["height"], file["content_type"]) == (32, 24, "image/png")
    assert response.headers["Location"] == file["urls"]["self"]
    assert client.get(f"/v1/files/{file['id']}").json == file


def test_the_same_bytes_are_one_file(client: FlaskClient) -> None:
    first = upload(client, png())
    again = upload(client, png(), "other.png")
    assert again.status_code == 200
    assert {**again.json, "expires_at": ""} == {**first.json, "expires_at": ""}


def test_the_size_is_that_of_the_picture_upright(client: FlaskClient) -> None:
    file = upload(client, oriented(6, width=32, height=24)).json  # its pixels are stored 24 x 32
    assert (file["width"], file["height"]) == (32, 24)


def test_the_content_is_what_was_sent(client: FlaskClient) -> None:
    data = jpeg()
    file = upload(client, data).json
    response = client.get(f"/v1/files/{file['id']}/content")
    assert (response.data, response.mimetype) == (data, "image/jpeg")
    assert response.headers["ETag"] == f'"{sha256(data)}"'
    part = client.get(f"/v1/files/{file['id']}/content", headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.data) == (206, data[2:6])
    head = client.head(f"/v1/files/{file['id']}/content")
    assert head.headers["Content-Length"] == str(len(data))


def test_files_come_newest_first_page_by_page(client: FlaskClient) -> None:
    known = [upload(client, png(16 + i, 16)).json["id"] for i in range(3)]
    first = client.get("/v1/files?limit=2")
    assert [file["id"] for file in first.json["data"]] == known[:0:-1]
    second = client.get(f"/v1/files?limit=2&cursor={first.json['next_cursor']}")
    assert [file["id"] for file in second.json["data"]] == known[:1]


def test_a_file_is_forgotten_on_demand(client: FlaskClient) -> None:
    file = upload(client, png()).json["id"]
    assert client.delete(f"/v1/files/{file}").status_code == 204
    assert client.get(f"/v1/files/{file}").json["code"] == "file_not_found"
    assert client.head(f"/v1/files/{file}").status_code == 404
    assert client.get(f"/v1/files/{file}/content").status_code == 404
    assert client.delete(f"/v1/files/{file}").status_code == 404


def test_a_file_that_a_job_needs_stays(client: FlaskClient, worker: FakeWorker) -> None:
    file = upload(client, png()).json["id"]
    body = {"type": "stylize", "content": file, "styles": [{"image": file}]}
    job = client.post("/v1/jobs", json=body).json["id"]
    response = client.delete(f"/v1/files/{file}")
    assert (response.status_code, response.json["code"]) == (409, "file_in_use")
    worker.run(job)
    assert client.delete(f"/v1/files/{file}").status_code == 204


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (text(), 415, "unsupported_image_format"),
        (svg(), 415, "unsupported_image_format"),
        (b"", 415, "unsupported_image_format"),
        (giant_png(), 422, "image_too_large"),
        (tiny(), 422, "image_too_small"),
        (truncated(jpeg(), 0.2), 422, "corrupt_image"),
        (truncated(jpeg(320, 240), 0.6), 422, "corrupt_image"),
        (raws()["NEF"], 415, "unsupported_image_format"),
        (tiff_with(number(339, 3), number(258, 32)), 415, "unsupported_image_format"),
    ],
    ids=["text", "svg", "empty", "giant", "tiny", "header", "truncated", "camera raw", "floats"],
)
def test_what_is_no_fit_picture_is_refused_and_not_stored(
    client: FlaskClient, services: Services, data: bytes, status: int, code: str
) -> None:
    response = upload(client, data)
    assert (response.status_code, response.json["code"]) == (status, code)
    assert response.json["errors"][0]["pointer"] == "/file"
    assert client.get("/v1/files").json["data"] == []
    assert list(services.objects.keys("inputs/")) == []


@pytest.mark.parametrize(
    "data",
    [jpeg()[:-2], inserted(png(), 33, bad_chunks()["60 compressed texts"]), png() + bytes(1000)],
    ids=["no end marker", "texts", "zeros behind the end"],
)
def test_whatever_clings_to_a_good_picture_it_is_stored_as_it_came(client: FlaskClient, data: bytes) -> None:
    response = upload(client, data)
    assert response.status_code == 201
    assert client.get(response.json["urls"]["content"]).data == data


def test_a_missing_part_and_a_strange_one_are_named(client: FlaskClient) -> None:
    response = client.post("/v1/files", data={"picture": (BytesIO(png()), "a.png")})
    assert response.status_code == 422
    found = {(fault["pointer"], fault["code"]) for fault in response.json["errors"]}
    assert found == {("/file", "missing"), ("/picture", "unknown_field")}


def test_two_files_at_once_are_refused(client: FlaskClient) -> None:
    parts = [(BytesIO(png()), "a.png"), (BytesIO(jpeg()), "b.jpg")]
    response = client.post("/v1/files", data={"file": parts})
    assert response.json["errors"][0]["code"] == "repeated_field"


def test_a_body_that_is_no_form_is_a_415(client: FlaskClient) -> None:
    response = client.post("/v1/files", data=png(), content_type="image/png")
    assert (response.status_code, response.json["code"]) == (415, "unsupported_media_type")


def test_a_body_over_the_limit_is_a_413(client: FlaskClient, services: Services) -> None:
    response = upload(client, bytes(services.settings.limits.max_body_bytes + 1))
    assert (response.status_code, response.json["code"]) == (413, "body_too_large")
    assert str(services.settings.limits.max_body_bytes) in response.json["detail"]
