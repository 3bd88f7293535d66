"""Making room, as clients see it: what counts as fetched, and what a removed result is answered."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.maintenance import reclaim
from shared.maintenance.garbage import Garbage
from shared.maintenance.reclaim import Reclaimer
from shared.setting_groups import DiskRules
from tests.support.images.pictures import png
from tests.support.jobs.batches import run_all
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.waiting import eventually

DIGIT = {"type": "generate", "seed": 7}
PICTURE = png(64, 64)


def made(client: FlaskClient, worker: FakeWorker, data: bytes = PICTURE) -> dict[str, Any]:
    job = client.post("/v1/jobs", json=DIGIT).json
    worker.succeed(worker.claim(job["id"]), data=data)
    return dict(client.get(job["urls"]["self"]).json)


def is_fetched(services: Services, subject: dict[str, Any]) -> bool:
    return services.store.client.zscore("atelier:fetched", subject["id"]) is not None


def get(client: FlaskClient, url: str, **headers: str) -> int:
    """Fetch a picture to its end; return the status."""
    response = client.get(url, headers={name.replace("_", "-"): text for name, text in headers.items()})
    assert response.data is not None
    return int(response.status_code)


def test_a_result_counts_as_fetched_once_it_was_sent_whole(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    job = made(client, worker)
    url, size = job["outputs"][0]["url"], len(PICTURE)
    client.head(url)
    assert get(client, url, Range=f"bytes=0-{size - 2}") == 206
    client.get(job["urls"]["self"])
    client.get(job["urls"]["result"])
    assert not is_fetched(services, job)
    assert get(client, url) == 200
    assert is_fetched(services, job)


@pytest.mark.parametrize("headers", [{"Range": "bytes=-1"}, {"If_None_Match": "tag"}])
def test_the_last_part_and_a_picture_that_is_there_already_count(
    client: FlaskClient, services: Services, worker: FakeWorker, headers: dict[str, str]
) -> None:
    job = made(client, worker)
    if "If_None_Match" in headers:
        headers = {"If_None_Match": f'"{job["outputs"][0]["sha256"]}"'}
    assert get(client, job["outputs"][0]["url"], **headers) in (206, 304)
    assert is_fetched(services, job)


@pytest.mark.parametrize("way", ["each", "archive"])
def test_a_batch_is_fetched_with_all_of_its_results(
    client: FlaskClient, services: Services, worker: FakeWorker, way: str
) -> None:
    batch = client.post("/v1/batches", json={"items": [DIGIT] * 3}).json
    run_all(client, worker, batch, failing={1})
    client.get(batch["urls"]["contact_sheet"])
    client.get(batch["urls"]["results"])
    assert not is_fetched(services, batch)
    if way == "archive":
        assert get(client, batch["urls"]["archive"]) == 200
    else:
        for item in client.get(batch["urls"]["finished"]).json["data"]:
            for output in item["outputs"]:
                assert not is_fetched(services, batch)
                get(client, output["url"])
    assert is_fetched(services, batch)
    client.delete(batch["urls"]["self"])
    assert services.store.client.keys("atelier:*fetched*") == []


def test_a_batch_that_runs_again_has_to_be_fetched_again(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = client.post("/v1/batches", json={"items": [DIGIT] * 2}).json
    run_all(client, worker, batch, failing={1})
    get(client, batch["urls"]["archive"])
    client.post(batch["urls"]["retry_failed"])
    assert not is_fetched(services, batch)
    run_all(client, worker, batch)
    assert not is_fetched(services, batch)
    get(client, batch["urls"]["archive"])
    assert is_fetched(services, batch)


@pytest.fixture
def reclaimer(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reclaimer]:
    """One that works in its thread, for a storage of 1 MiB."""
    monkeypatch.setattr(reclaim, "PAUSE_SECONDS", 0.05)
    garbage = Garbage(services.store.client, services.objects)
    rules = DiskRules(quota_mebibytes=1, reclaim="oldest", reclaim_min_age_seconds=3600)
    made = Reclaimer(services.store, services.batches, services.objects, garbage, rules)
    made.start()
    yield made
    made.stop()


@pytest.mark.usefixtures("reclaimer")
def test_a_client_is_told_that_a_result_went_to_make_room(client: FlaskClient, worker: FakeWorker) -> None:
    large = PICTURE + b"\0" * 300_000
    first, second = made(client, worker, large), made(client, worker, large)
    pinned = made(client, worker, large)
    client.post(pinned["urls"]["pin"])
    for job in (pinned, second):
        get(client, job["outputs"][0]["url"])
    third = made(client, worker, large)
    eventually(lambda: client.get(second["urls"]["self"]).status_code == 410, seconds=20)
    assert client.get(second["urls"]["self"]).json["code"] == "job_reclaimed"
    assert client.get(second["outputs"][0]["url"]).status_code == 410
    for job in (first, pinned, third):  # never fetched and young, pinned, never fetched
        assert client.get(job["outputs"][0]["url"]).status_code == 200
