"""Whom the service sends to the bucket, and what it sends itself."""

import io
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.services import Services
from shared.identifiers import sha256
from shared.storage.base import ObjectStore
from tests.support.http.openapi_client import CheckedClient
from tests.support.images import pictures
from tests.support.jobs.fake_worker import PICTURE, FakeWorker


class Linked:
    """A storage that clients reach."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)

    def link(self, key: str, seconds: float) -> str:
        return f"https://bucket.example/{key}?signature=s&seconds={seconds:g}"


@pytest.fixture
def linked(services: Services) -> FlaskClient:
    app = create_app(replace(services, objects=Linked(services.objects)))
    app.test_client_class = CheckedClient
    return app.test_client()


@pytest.fixture
def job(linked: FlaskClient, worker: FakeWorker) -> str:
    job_id = str(linked.post("/v1/jobs", json={"type": "generate"}).json["id"])
    worker.run(job_id)
    return job_id


def test_a_client_is_sent_to_the_bucket(linked: FlaskClient, services: Services, job: str) -> None:
    answer = linked.get(f"/v1/jobs/{job}/outputs/0")
    key = services.store.get(job, "anonymous").outputs[0].key
    assert (answer.status_code, answer.data) == (307, b"")
    assert answer.headers["Location"] == f"https://bucket.example/{key}?signature=s&seconds=300"
    assert answer.headers["Cache-Control"] == "no-store"


def test_who_was_sent_to_the_bucket_has_fetched(linked: FlaskClient, services: Services, job: str) -> None:
    assert services.store.client.zscore("atelier:fetched", job) is None
    linked.get(f"/v1/jobs/{job}/outputs/0")
    assert services.store.client.zscore("atelier:fetched", job)


def test_an_upload_is_in_the_bucket_too(linked: FlaskClient) -> None:
    upload = {"data": {"file": (io.BytesIO(pictures.png()), "a.png")}}
    file = linked.post("/v1/files", **upload).json["id"]
    answer = linked.get(f"/v1/files/{file}/content")
    assert answer.status_code == 307
    assert answer.headers["Location"].startswith("https://bucket.example/inputs/")
    assert ".png?" in answer.headers["Location"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"},  # a picture of the service's page
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},  # a script of another one
        {"Range": "bytes=0-", "If-Range": f'"{sha256(PICTURE)}"'},  # the bucket has other tags
    ],
)
def test_who_could_not_follow_gets_the_bytes(linked: FlaskClient, job: str, headers: dict[str, str]) -> None:
    answer = linked.get(f"/v1/jobs/{job}/outputs/0", headers=headers)
    assert (answer.status_code in (200, 206), answer.data) == (True, PICTURE)


def test_a_head_is_answered_here(linked: FlaskClient, job: str) -> None:
    assert linked.head(f"/v1/jobs/{job}/outputs/0").status_code == 200


def test_what_a_client_has_is_not_fetched_again(linked: FlaskClient, job: str) -> None:
    headers = {"If-None-Match": f'"{sha256(PICTURE)}"'}
    assert linked.get(f"/v1/jobs/{job}/outputs/0", headers=headers).status_code == 304


def test_a_small_copy_is_made_here(linked: FlaskClient, job: str) -> None:
    assert linked.get(f"/v1/jobs/{job}/outputs/0?side=32").status_code == 200


def test_an_object_whose_key_says_no_type_is_sent_here(
    linked: FlaskClient, services: Services, job: str
) -> None:
    """An older Atelier stored uploads so, and the bucket would call them a download."""
    upload = {"data": {"file": (io.BytesIO(pictures.png()), "a.png")}}
    file = linked.post("/v1/files", **upload).json["id"]
    record = f"atelier:file:anonymous:{file}"
    key = services.store.client.hget(record, "key")
    assert key is not None
    services.objects.put(key.removesuffix(".png"), services.objects.get(key))
    services.store.client.hset(record, "key", key.removesuffix(".png"))
    assert linked.get(f"/v1/files/{file}/content").status_code == 200
