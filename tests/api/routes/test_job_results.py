"""GET /v1/jobs/{id}/outputs/{index} and /result."""

import pytest
from flask.testing import FlaskClient

from api.responses.stored_pieces import PIECE_BYTES
from api.services import Services
from shared.identifiers import sha256
from tests.support.jobs.fake_worker import PICTURE, FakeWorker


@pytest.fixture
def done(client: FlaskClient, worker: FakeWorker) -> str:
    job_id = str(client.post("/v1/jobs", json={"type": "generate"}).json["id"])
    worker.run(job_id)
    return job_id


def test_an_output_is_the_picture_and_never_changes(client: FlaskClient, done: str) -> None:
    response = client.get(f"/v1/jobs/{done}/outputs/0")
    assert (response.status_code, response.data, response.mimetype) == (200, PICTURE, "image/png")
    assert response.headers["ETag"] == f'"{sha256(PICTURE)}"'
    assert response.headers["Content-Length"] == str(len(PICTURE))
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Content-Disposition"] == f'inline; filename="{done}-0.png"'


def test_a_client_that_has_an_output_is_not_sent_it_again(client: FlaskClient, done: str) -> None:
    tag = f'"{sha256(PICTURE)}"'
    response = client.get(f"/v1/jobs/{done}/outputs/0", headers={"If-None-Match": tag})
    assert (response.status_code, response.data) == (304, b"")


def test_a_head_tells_the_size_alone(client: FlaskClient, done: str) -> None:
    response = client.head(f"/v1/jobs/{done}/outputs/0")
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Content-Length"] == str(len(PICTURE))


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=10-", 10, None), ("bytes=-5", -5, None), ("bytes=0-999999", 0, None)],
)
def test_a_range_is_a_part(client: FlaskClient, done: str, wanted: str, start: int, end: int | None) -> None:
    response = client.get(f"/v1/jobs/{done}/outputs/0", headers={"Range": wanted})
    part = PICTURE[start:end]
    assert response.data == part
    if part != PICTURE:
        first = start % len(PICTURE)
        assert response.status_code == 206
        assert response.headers["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(PICTURE)}"


def test_a_range_outside_is_a_416(client: FlaskClient, done: str) -> None:
    response = client.get(f"/v1/jobs/{done}/outputs/0", headers={"Range": "bytes=999999-"})
    assert (response.status_code, response.json["code"]) == (416, "range_not_satisfiable")
    assert response.headers["Content-Range"] == f"bytes */{len(PICTURE)}"


@pytest.mark.parametrize("wanted", ["bytes=0-1,4-5", "lines=1-2", "bytes=x"])
def test_other_ranges_are_answered_with_the_whole(client: FlaskClient, done: str, wanted: str) -> None:
    response = client.get(f"/v1/jobs/{done}/outputs/0", headers={"Range": wanted})
    assert (response.status_code, response.data) == (200, PICTURE)


def test_a_range_of_another_version_is_answered_with_the_whole(client: FlaskClient, done: str) -> None:
    headers = {"Range": "bytes=0-9", "If-Range": '"other"'}
    assert client.get(f"/v1/jobs/{done}/outputs/0", headers=headers).status_code == 200
    headers["If-Range"] = f'"{sha256(PICTURE)}"'
    assert client.get(f"/v1/jobs/{done}/outputs/0", headers=headers).status_code == 206


def test_a_large_output_comes_in_pieces(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = client.post("/v1/jobs", json={"type": "generate"}).json["id"]
    data = bytes(range(256)) * (PIECE_BYTES // 128)
    worker.succeed(worker.claim(job_id), data=data)
    assert client.get(f"/v1/jobs/{job_id}/outputs/0").data == data
    part = client.get(f"/v1/jobs/{job_id}/outputs/0", headers={"Range": f"bytes=5-{PIECE_BYTES + 9}"})
    assert part.data == data[5 : PIECE_BYTES + 10]


def test_an_output_that_is_not_there_is_a_404(client: FlaskClient, done: str) -> None:
    assert client.get(f"/v1/jobs/{done}/outputs/1").json["code"] == "output_not_found"
    assert client.get(f"/v1/jobs/{done}/outputs/x").json["code"] == "not_found"
    assert client.get("/v1/jobs/job_0/outputs/0").json["code"] == "job_not_found"


def test_the_result_is_the_first_output(client: FlaskClient, done: str) -> None:
    response = client.get(f"/v1/jobs/{done}/result")
    assert response.status_code == 303
    assert response.headers["Location"] == f"http://localhost/v1/jobs/{done}/outputs/0"


def test_a_job_that_has_not_succeeded_has_no_result(client: FlaskClient) -> None:
    job_id = client.post("/v1/jobs", json={"type": "generate"}).json["id"]
    response = client.get(f"/v1/jobs/{job_id}/result")
    assert (response.status_code, response.json["code"]) == (409, "result_unavailable")


def test_a_small_copy_is_a_webp_that_never_changes(client: FlaskClient, done: str) -> None:
    response = client.get(f"/v1/jobs/{done}/outputs/0?side=16")
    assert (response.status_code, response.mimetype) == (200, "image/webp")
    assert response.data[8:12] == b"WEBP"
    assert "immutable" in response.headers["Cache-Control"]
    tag = response.headers["ETag"]
    assert tag != f'"{sha256(PICTURE)}"'
    again = client.get(f"/v1/jobs/{done}/outputs/0?side=16", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert client.head(f"/v1/jobs/{done}/outputs/0?side=16").data == b""


def test_a_small_copy_does_not_count_as_fetched(
    client: FlaskClient, done: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[int] = []
    monkeypatch.setattr(services.store, "note_fetched", lambda job, index: noted.append(index))
    client.get(f"/v1/jobs/{done}/outputs/0?side=16").data  # noqa: B018  (reads it to its end)
    assert noted == []
    client.get(f"/v1/jobs/{done}/outputs/0").data  # noqa: B018
    assert noted == [0]


@pytest.mark.parametrize("side", ["15", "513", "x", "-1"])
def test_a_side_that_is_none_is_a_422(client: FlaskClient, done: str, side: str) -> None:
    response = client.get(f"/v1/jobs/{done}/outputs/0", query_string={"side": side})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/side")
