"""`sample`: so many items of a batch are done first; then it pauses, is looked at, and goes on."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image

from api.services import Services
from shared.errors import StorageUnavailable
from shared.jobs.job import Job
from shared.specs.parts import Lane
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.waiting import eventually

DIGIT = {"type": "generate", "seeds": [1]}


def submit(client: FlaskClient, count: int = 20, sample: int = 5, **more: Any) -> dict[str, Any]:
    response = client.post("/v1/batches", json={"items": [DIGIT] * count, "sample": sample, **more})
    assert response.status_code == 202, response.json
    return dict(response.json)


def state(client: FlaskClient, batch: dict[str, Any]) -> dict[str, Any]:
    return dict(client.get(batch["urls"]["self"]).json)


def claim_all(services: Services) -> list[Job]:
    """Claim until nothing is left."""
    claimed: list[Job] = []
    while found := services.store.claim_next("w1", most=8):
        claimed += found
    return claimed


def indexes(jobs: list[Job]) -> list[int]:
    return sorted(job.index or 0 for job in jobs)


def end_all(worker: FakeWorker, jobs: list[Job], *, failing: tuple[int, ...] = ()) -> None:
    for job in jobs:
        worker.fail(job) if job.index in failing else worker.succeed(job)


def test_no_item_after_the_sample_starts_before_resume(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = submit(client)
    assert (batch["sample"], batch["stopped_by"]) == (5, None)
    sample = claim_all(services)
    assert indexes(sample) == [0, 1, 2, 3, 4]
    end_all(worker, sample[:4])
    assert (state(client, batch)["status"], claim_all(services)) == ("running", [])
    end_all(worker, sample[4:])
    shown = state(client, batch)
    assert (shown["status"], shown["stopped_by"], shown["counts"]["queued"]) == ("paused", "sample", 15)
    assert shown["stopped_at"] is not None
    assert claim_all(services) == []
    assert services.store.client.keys("atelier:batch-held:*") == []  # none was looked at and laid aside
    again = client.post(batch["urls"]["resume"]).json
    assert (again["status"], again["stopped_by"], again["sample"]) == ("running", None, None)
    rest = claim_all(services)
    assert indexes(rest) == list(range(5, 20))
    end_all(worker, rest)
    assert state(client, batch)["status"] == "completed"


def test_many_workers_together_start_no_more(client: FlaskClient, services: Services) -> None:
    for sample in (1, 3, 12):
        submit(client, 40, sample, lane="interactive")
    begin = threading.Barrier(6)

    def work(_: int) -> list[Job]:
        begin.wait()
        return claim_all(services)

    with ThreadPoolExecutor(6) as pool:
        jobs = [job for found in pool.map(work, range(6)) for job in found]
    assert len({job.id for job in jobs}) == len(jobs) == 1 + 3 + 12


def test_a_sample_whose_worker_died_is_made_by_another_and_no_further_item(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = submit(client, lane="interactive")
    first = claim_all(services)
    worker.succeed(first[0])
    services.store.requeue(first[1].id, first[1].attempt, StorageUnavailable("away"))
    services.store.release(first[2].id, first[2].attempt)
    eventually(
        lambda: len(services.store.reap().reclaimed) == 2 or None, seconds=5
    )  # the leases of two ran out
    again = claim_all(services)
    assert indexes(again) == [1, 2, 3, 4]
    end_all(worker, again)
    assert state(client, batch)["stopped_by"] == "sample"


def test_what_is_tried_again_is_in_the_sample_or_waits(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = submit(client)
    late = client.get(batch["urls"]["items"]).json["data"][9]
    client.post(late["urls"]["cancel"])
    client.post(late["urls"]["retry"])
    end_all(worker, claim_all(services), failing=(2,))
    assert state(client, batch)["counts"]["failed"] == 1
    assert client.post(batch["urls"]["retry_failed"]).json["count"] == 1
    running = state(client, batch)
    assert (running["status"], running["sample"]) == ("running", 5)
    again = claim_all(services)
    assert indexes(again) == [2]
    end_all(worker, again)
    assert state(client, batch)["stopped_by"] == "sample"
    client.post(batch["urls"]["resume"])
    assert indexes(claim_all(services)) == list(range(5, 20))


def test_a_pause_by_hand_leaves_the_sample_as_it_is(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = submit(client)
    (first,) = services.store.claim_next("w1")
    client.post(batch["urls"]["pause"])
    assert claim_all(services) == []
    assert client.post(batch["urls"]["resume"]).json["sample"] == 5
    rest = claim_all(services)
    assert indexes(rest) == [1, 2, 3, 4]
    client.post(batch["urls"]["pause"])
    end_all(worker, [first, *rest])
    assert state(client, batch)["stopped_by"] == "sample"


def test_the_brake_comes_before_the_sample(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = submit(client, stop_when={"failed": 2})
    jobs = claim_all(services)
    end_all(worker, jobs[:2], failing=(0, 1))
    assert state(client, batch)["stopped_by"] == "stop_when"
    client.post(batch["urls"]["resume"])
    assert claim_all(services) == []
    end_all(worker, jobs[2:])
    assert state(client, batch)["stopped_by"] == "sample"


def test_a_batch_that_is_no_larger_than_its_sample_is_done_at_once(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = submit(client, count=3, sample=3)
    end_all(worker, claim_all(services), failing=(1,))
    assert (state(client, batch)["status"], state(client, batch)["stopped_at"]) == ("completed", None)
    client.post(batch["urls"]["retry_failed"])
    assert indexes(claim_all(services)) == [1]


def test_an_open_batch_waits_for_the_items_of_its_sample(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = client.post("/v1/batches", json={"open": True, "sample": 3}).json
    client.post(batch["urls"]["items"], json={"items": [DIGIT] * 2})
    end_all(worker, claim_all(services))
    assert state(client, batch)["status"] == "open"
    client.post(batch["urls"]["items"], json={"items": [DIGIT] * 2})
    end_all(worker, claim_all(services))
    assert state(client, batch)["stopped_by"] == "sample"
    client.post(batch["urls"]["finalize"])
    client.post(batch["urls"]["resume"])
    assert indexes(claim_all(services)) == [3]


def test_places_and_numbers_count_the_sample_alone(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = submit(client)
    behind = client.post("/v1/jobs", json={**DIGIT, "lane": "bulk"}).json
    assert services.queries.depths()[Lane.BULK] == 6
    assert client.get("/v1/stats").json["lanes"][1]["waiting"] == 6
    assert client.get(behind["urls"]["self"]).json["queue"]["position"] == 6
    items = client.get(batch["urls"]["items"]).json["data"]
    assert [item["queue"]["position"] for item in items] == [1, 2, 3, 4, 5, *[None] * 15]
    lines = {line.lane: line.waiting for line in services.store.reap().lines}
    assert lines[Lane.BULK] == 6
    end_all(worker, claim_all(services))
    assert services.queries.depths()[Lane.BULK] == 0
    client.post(batch["urls"]["resume"])
    assert services.queries.depths()[Lane.BULK] == 15
    assert {line.lane: line.waiting for line in services.store.reap().lines}[Lane.BULK] == 15


def test_the_time_of_a_batch_is_that_of_its_sample(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce("mnist-dcgan", slots=1)
    worker.run(client.post("/v1/jobs", json=DIGIT).json["id"])
    services.store.client.hset(
        "atelier:pace", mapping={name: "1000" for name in services.store.client.hkeys("atelier:pace")}
    )
    batch = submit(client, count=100, sample=5)
    assert state(client, batch)["progress"]["eta_seconds"] == pytest.approx(5, rel=0.1)


def test_a_job_waits_for_no_equal_one_that_the_sample_holds(client: FlaskClient, services: Services) -> None:
    submit(client, count=10, sample=2)
    unlike = [{"type": "generate", "seeds": [seed], "cache": True} for seed in range(6)]
    client.post("/v1/batches", json={"items": unlike, "sample": 1})
    job = client.post("/v1/jobs", json={**unlike[5], "lane": "bulk"}).json
    assert job["id"] in {found.id for found in claim_all(services)}


def test_the_contact_sheet_shows_the_sample(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = submit(client)
    end_all(worker, claim_all(services))
    sheet = client.get(
        batch["urls"]["contact_sheet"], query_string={"columns": 5, "side": 64, "format": "png"}
    )
    width, height = Image.open(io.BytesIO(sheet.data)).size
    assert (width, height) == (5 * (64 + 8) + 8, 64 + 16 + 8 + 8)


def test_a_canceled_batch_is_no_sample_any_more(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = submit(client)
    end_all(worker, claim_all(services))
    done = client.post(batch["urls"]["cancel"]).json
    assert (done["status"], done["stopped_by"], done["counts"]["canceled"]) == ("canceled", None, 15)


@pytest.mark.parametrize("sample", [0, -1, 401, 2.5, "5", True])
def test_a_sample_is_a_number_of_items(client: FlaskClient, sample: Any) -> None:
    response = client.post("/v1/batches", json={"items": [DIGIT], "sample": sample})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/sample")


def test_lines_may_name_the_sample_in_the_query(client: FlaskClient, services: Services) -> None:
    body = b'{"type": "generate"}\n' * 4
    batch = client.post("/v1/batches?sample=2", data=body, content_type="application/jsonl").json
    assert batch["sample"] == 2
    assert len(claim_all(services)) == 2
