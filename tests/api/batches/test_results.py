"""What a batch made: results as they come, the manifest, the archive, the contact sheet, events."""

import io
import json
import zipfile
from typing import Any
from unicodedata import normalize

import httpx
import pytest
from flask.testing import FlaskClient
from PIL import Image

from api.services import Services
from shared.identifiers import ANONYMOUS, sha256
from shared.storage.base import ObjectStore
from tests.support.jobs.batches import run_all
from tests.support.jobs.fake_worker import NOT_TOLD, PICTURE, FakeWorker

DIGIT = {"type": "generate", "digit": 3}
NAMED = [{**DIGIT, "custom_id": name} for name in ("a", "b/c", "../d", "e")]


@pytest.fixture
def batch(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/v1/batches", json={"items": NAMED}).json
    return found


@pytest.fixture
def done(client: FlaskClient, worker: FakeWorker, batch: dict[str, Any]) -> dict[str, Any]:
    """A batch whose third item failed."""
    run_all(client, worker, batch, failing={2})
    return batch


def manifest(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_results_can_be_read_as_soon_as_they_are_there(
    client: FlaskClient, worker: FakeWorker, batch: dict[str, Any]
) -> None:
    empty = client.get(batch["urls"]["finished"]).json
    assert (empty["data"], empty["next_after"], empty["done"]) == ([], 0, False)
    run_all(client, worker, batch, most=2)
    first = client.get(batch["urls"]["finished"]).json
    assert [result["custom_id"] for result in first["data"]] == ["a", "b/c"]
    run_all(client, worker, batch)
    rest = client.get(batch["urls"]["finished"], query_string={"after": first["next_after"]}).json
    assert ([result["custom_id"] for result in rest["data"]], rest["done"]) == (["../d", "e"], True)


def test_a_result_says_what_to_know_of_it(
    client: FlaskClient, worker: FakeWorker, batch: dict[str, Any], services: Services
) -> None:
    for warnings in (("truncated",), ()):
        (job,) = services.store.claim_next("w1")
        worker.succeed(job, warnings=warnings)
    results = client.get(batch["urls"]["finished"]).json["data"]
    assert [result["warnings"] for result in results] == [["truncated"], []]
    assert client.get(f"/v1/jobs/{results[0]['id']}").json["warnings"] == ["truncated"]


CASES = ["a", "A", "stra\u00dfe", "STRASSE", "\u00e9", "e\u0301", "x/Y", "X/y", "\u212a", "k"]


def test_an_archive_has_no_two_names_that_are_one_file_elsewhere(
    client: FlaskClient, worker: FakeWorker
) -> None:
    items = [{**DIGIT, "custom_id": name} for name in CASES]
    batch = client.post("/v1/batches", json={"items": items}).json
    run_all(client, worker, batch)
    whole = unzipped(client.get(batch["urls"]["archive"]).data)
    told = {
        line["custom_id"]: line["outputs"][0]["name"] for line in manifest(whole["results.jsonl"].decode())
    }
    assert {*told.values(), "results.jsonl"} == set(whole)
    forms = {form(normalize("NFC", name)) for name in told.values() for form in (str.casefold,)}
    assert len(forms) == len(CASES)
    assert told["a"] == "a.png"
    assert told["A"] == "1~~A.png"
    parts: set[str] = set()
    for after in range(0, len(CASES), 3):
        query = {"after": after, "limit": 3}
        parts |= unzipped(client.get(batch["urls"]["archive"], query_string=query).data).keys()
    assert parts == set(whole)


def test_a_result_tells_its_pictures_or_its_error(client: FlaskClient, done: dict[str, Any]) -> None:
    results = {line["custom_id"]: line for line in client.get(done["urls"]["finished"]).json["data"]}
    picture = results["b/c"]["outputs"][0]
    assert (picture["name"], picture["sha256"], picture["seed"]) == ("b/c.png", sha256(PICTURE), 7)
    assert client.get(picture["url"]).data == PICTURE
    assert (results["../d"]["status"], results["../d"]["error"]["code"]) == ("failed", "corrupt_image")
    assert results["a"]["model"] == {"name": "mnist-dcgan", "version": "1", "digest": "d" * 64, **NOT_TOLD}


def test_an_equal_items_result_is_taken_over(client: FlaskClient, worker: FakeWorker) -> None:
    worker.announce("mnist-dcgan")
    batch = client.post("/v1/batches", json={"items": [{**DIGIT, "seed": 7}] * 3, "cache": True}).json
    (first, *_) = client.get(batch["urls"]["items"]).json["data"]
    worker.run(first["id"])
    results = client.get(batch["urls"]["finished"]).json
    assert [result["cached_from"] for result in results["data"]] == [None, first["id"], first["id"]]
    assert len({result["outputs"][0]["sha256"] for result in results["data"]}) == 1
    assert results["done"]


def test_waiting_for_results_ends_with_the_next_one(
    live: httpx.Client, client: FlaskClient, worker: FakeWorker, batch: dict[str, Any]
) -> None:
    early = live.get(f"/v1/batches/{batch['id']}/finished", params={"wait": 0.05}).json()
    assert early["data"] == []
    run_all(client, worker, batch, most=1)
    found = live.get(f"/v1/batches/{batch['id']}/finished", params={"wait": 5}).json()
    assert [result["custom_id"] for result in found["data"]] == ["a"]


def test_the_manifest_has_a_line_for_every_item_that_ended(client: FlaskClient, done: dict[str, Any]) -> None:
    response = client.get(done["urls"]["results"])
    assert response.mimetype == "application/jsonl"
    told = manifest(response.text)
    assert told == client.get(done["urls"]["finished"]).json["data"]
    part = manifest(client.get(done["urls"]["results"], query_string={"after": 1, "limit": 2}).text)
    assert part == told[1:3]


def test_the_archive_holds_every_picture_under_its_items_name(
    client: FlaskClient, done: dict[str, Any]
) -> None:
    response = client.get(done["urls"]["archive"])
    assert response.headers["Content-Disposition"] == f'attachment; filename="{done["id"]}.zip"'
    files = unzipped(response.data)
    assert sorted(files) == ["a.png", "b/c.png", "e.png", "results.jsonl"]
    assert files["b/c.png"] == PICTURE
    assert manifest(files["results.jsonl"].decode()) == manifest(client.get(done["urls"]["results"]).text)


def test_an_archive_can_be_fetched_in_parts(client: FlaskClient, done: dict[str, Any]) -> None:
    where = done["urls"]["archive"]
    parts = [
        unzipped(client.get(where, query_string={"after": after, "limit": 2}).data) for after in (0, 2, 4)
    ]
    assert [sorted(part) for part in parts] == [
        ["a.png", "b/c.png", "results.jsonl"],
        ["e.png", "results.jsonl"],
        ["results.jsonl"],
    ]


def test_an_archive_that_breaks_off_is_no_archive(
    live: httpx.Client, client: FlaskClient, services: Services, done: dict[str, Any]
) -> None:
    last = client.get(done["urls"]["finished"]).json["data"][-1]
    job = services.store.get(last["id"], ANONYMOUS)
    services.objects.delete(job.outputs[0].key)
    early = live.get(f"/v1/batches/{done['id']}/results.zip")
    assert (early.status_code, early.json()["code"]) == (404, "object_not_found")


def test_an_archive_that_breaks_off_late_ends_the_connection(
    live: httpx.Client, client: FlaskClient, worker: FakeWorker, services: Services
) -> None:
    batch = client.post("/v1/batches", json={"items": [DIGIT] * 3}).json
    large = PICTURE + bytes(3_000_000)
    for item in client.get(batch["urls"]["items"]).json["data"]:
        job = worker.claim(item["id"])
        worker.succeed(job, data=large)
    job = services.store.get(client.get(batch["urls"]["items"]).json["data"][2]["id"], ANONYMOUS)
    services.objects.delete(job.outputs[0].key)
    with live.stream("GET", f"/v1/batches/{batch['id']}/results.zip") as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()


def test_a_contact_sheet_shows_what_succeeded(client: FlaskClient, done: dict[str, Any]) -> None:
    response = client.get(
        done["urls"]["contact_sheet"], query_string={"columns": 2, "side": 64, "format": "png"}
    )
    assert response.mimetype == "image/png"
    with Image.open(io.BytesIO(response.data)) as sheet:
        assert sheet.size == (2 * (64 + 8) + 8, 2 * (64 + 16 + 8) + 8)
    tag = response.headers["ETag"]
    again = client.get(
        done["urls"]["contact_sheet"],
        query_string={"columns": 2, "side": 64, "format": "png"},
        headers={"If-None-Match": tag},
    )
    assert again.status_code == 304


def test_a_contact_sheet_is_made_once(
    client: FlaskClient, done: dict[str, Any], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    get = type(services.objects).get

    def noted(objects: ObjectStore, key: str) -> bytes:
        read.append(key)
        return get(objects, key)

    monkeypatch.setattr(type(services.objects), "get", noted)
    url = done["urls"]["contact_sheet"]
    first, second = client.get(url), client.get(url)
    assert (first.data, len(read)) == (second.data, 3)
    assert client.get(url, query_string={"side": 64}).data != first.data
    assert len(read) == 6


def test_a_contact_sheet_of_nothing_is_empty(client: FlaskClient, batch: dict[str, Any]) -> None:
    assert client.get(batch["urls"]["contact_sheet"]).mimetype == "image/jpeg"


@pytest.mark.parametrize(
    "query", [{"columns": 0}, {"side": 1000}, {"limit": 401}, {"format": "gif"}, {"x": 1}]
)
def test_a_contact_sheet_is_bounded(
    client: FlaskClient, batch: dict[str, Any], query: dict[str, Any]
) -> None:
    assert client.get(batch["urls"]["contact_sheet"], query_string=query).status_code == 422


def test_events_tell_of_every_item_and_end_with_the_batch(client: FlaskClient, done: dict[str, Any]) -> None:
    text = client.get(done["urls"]["events"]).text
    frames = [dict(line.split(": ", 1) for line in part.splitlines()) for part in text.split("\n\n")[1:-1]]
    items = [json.loads(frame["data"]) for frame in frames if frame["event"] == "item"]
    assert [(item["custom_id"], item["status"]) for item in items] == [
        ("a", "succeeded"), ("b/c", "succeeded"), ("../d", "failed"), ("e", "succeeded"),
    ]  # fmt: skip
    assert frames[-1]["event"] == "done"
    assert json.loads(frames[-1]["data"])["status"] == "completed"
    resumed = client.get(done["urls"]["events"], headers={"Last-Event-ID": frames[-2]["id"]}).text
    assert [line for line in resumed.splitlines() if line.startswith("event: ")] == ["event: done"]
