"""Conditions and ranges, as RFC 9110 has them, and codings of bodies that are not read."""

import gzip
import json
from io import BytesIO

import pytest
from flask.testing import FlaskClient

from shared.identifiers import sha256
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import PICTURE, FakeWorker

SIZE = len(PICTURE)
DIGIT = {"type": "generate", "seed": 7}


@pytest.fixture
def output(client: FlaskClient, worker: FakeWorker) -> str:
    job = client.post("/v1/jobs", json=DIGIT).json
    worker.succeed(worker.claim(job["id"]))
    return f"/v1/jobs/{job['id']}/outputs/0"


@pytest.fixture
def resources(client: FlaskClient, output: str) -> list[str]:
    """Everything that has an entity tag."""
    upload = client.post("/v1/files", data={"file": (BytesIO(png(20, 20)), "a.png")}).json
    client.post("/v1/styles", json={"name": "waves", "image": upload["id"]})
    batch = client.post("/v1/batches", json={"items": [DIGIT]}).json["urls"]
    return [
        output,
        output.removesuffix("/outputs/0"),
        upload["urls"]["content"],
        "/v1/styles/waves/image",
        "/v1/styles/builtin/multistyle-26/sheet",
        batch["self"],
        batch["contact_sheet"],
    ]


@pytest.mark.parametrize("wanted", [f"bytes=-{SIZE + 1}", "bytes=-99999999999999999999", f"bytes=-{SIZE}"])
def test_a_suffix_longer_than_the_file_is_the_whole(client: FlaskClient, output: str, wanted: str) -> None:
    response = client.get(output, headers={"Range": wanted})
    assert (response.status_code, response.data) == (200, PICTURE)


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=-1", SIZE - 1, SIZE),
        ("Bytes=0-0", 0, 1),
        ("bytes= 1-", 1, SIZE),
        ("bytes=2-99999999", 2, SIZE),
    ],
)
def test_a_range_within_is_a_part(
    client: FlaskClient, output: str, wanted: str, start: int, end: int
) -> None:
    response = client.get(output, headers={"Range": wanted})
    assert (response.status_code, response.data) == (206, PICTURE[start:end])
    assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"


@pytest.mark.parametrize("wanted", ["bytes=-0", f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}"])
def test_a_range_without_a_byte_is_a_416(client: FlaskClient, output: str, wanted: str) -> None:
    response = client.get(output, headers={"Range": wanted})
    assert (response.status_code, response.headers["Content-Range"]) == (416, f"bytes */{SIZE}")


def test_a_range_says_nothing_to_other_methods(client: FlaskClient, output: str) -> None:
    response = client.head(output, headers={"Range": "bytes=0-3"})
    assert (response.status_code, response.content_length) == (200, SIZE)


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (f'"{sha256(PICTURE)}"', 206),
        (f'W/"{sha256(PICTURE)}"', 200),
        (sha256(PICTURE), 200),
        ('"other"', 200),
        ("Sat, 29 Oct 1994 19:43:31 GMT", 200),
        ("*", 200),
    ],
)
def test_only_a_strong_tag_allows_a_part(
    client: FlaskClient, output: str, condition: str, status: int
) -> None:
    response = client.get(output, headers={"Range": "bytes=0-3", "If-Range": condition})
    assert response.status_code == status
    assert response.data == (PICTURE[:4] if status == 206 else PICTURE)


def test_a_resource_of_another_version_is_a_412(client: FlaskClient, resources: list[str]) -> None:
    for path in resources:
        tag = client.get(path).headers["ETag"]
        for given in ('"other"', 'W/"other"', '"a", "b"', f"W/{tag.removeprefix('W/')}"):
            response = client.get(path, headers={"If-Match": given})
            assert (response.status_code, response.json["code"]) == (412, "precondition_failed"), path
        assert client.head(path, headers={"If-Match": '"other"'}).status_code == 412
        late = client.get(path, headers={"If-Match": '"other"', "If-None-Match": tag})
        assert late.status_code == 412


def test_a_resource_of_the_version_or_any_is_a_200(client: FlaskClient, resources: list[str]) -> None:
    for path in resources:
        tag = client.get(path).headers["ETag"]
        assert client.get(path, headers={"If-Match": "*"}).status_code == 200
        if not tag.startswith("W/"):
            assert client.get(path, headers={"If-Match": f'"x", {tag}'}).status_code == 200
            assert client.get(path, headers={"If-Match": tag, "If-None-Match": tag}).status_code == 304


def test_what_is_not_there_is_a_404_under_any_condition(client: FlaskClient) -> None:
    assert client.get("/v1/jobs/job_0", headers={"If-Match": "*"}).status_code == 404


def test_a_job_of_another_version_is_not_deleted(client: FlaskClient, output: str) -> None:
    path = output.removesuffix("/outputs/0")
    tag = client.get(path).headers["ETag"]
    refused = client.delete(path, headers={"If-Match": '"other"'})
    assert (refused.status_code, refused.json["code"]) == (412, "precondition_failed")
    assert client.delete(path, headers={"If-Match": tag}).status_code == 204


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br", "identity, gzip", "x-unheard-of"])
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/jobs", "application/json"),
        ("/v1/batches", "application/jsonl"),
        ("/v1/jobs/generate", "application/x-www-form-urlencoded"),
        ("/v1/files", "multipart/form-data; boundary=x"),
    ],
)
def test_a_body_in_a_coding_is_a_415(client: FlaskClient, coding: str, path: str, kind: str) -> None:
    body = gzip.compress(json.dumps(DIGIT).encode())
    response = client.post(path, data=body, content_type=kind, headers={"Content-Encoding": coding})
    assert (response.status_code, response.json["code"]) == (415, "unsupported_media_type")
    assert "Content-Encoding" in response.json["detail"]
    assert response.headers["Accept-Encoding"] == "identity"


def test_no_coding_and_no_body_are_taken(client: FlaskClient) -> None:
    plain = client.post("/v1/jobs", json=DIGIT, headers={"Content-Encoding": "identity"})
    assert plain.status_code == 202
    moved = client.post(f"/v1/jobs/{plain.json['id']}/cancel", headers={"Content-Encoding": "gzip"})
    assert moved.status_code == 200
    assert client.post("/nowhere", data=b"x", headers={"Content-Encoding": "gzip"}).status_code == 404
