"""/v1/jobs:read: many jobs at once, and only what is asked for."""

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.requests.read_request import FIELDS, MOST_IDS
from api.services import Services
from shared.access.key import DEFAULT_SCOPES
from shared.access.store import KeyStore
from shared.jobs import reading
from tests.support.jobs.fake_worker import FakeWorker

GENERATE = {"type": "generate", "seeds": [1]}


def submitted(client: FlaskClient, **options: Any) -> str:
    return str(client.post("/v1/jobs", json=GENERATE, **options).json["id"])


def read(client: FlaskClient, ids: list[str], **more: Any) -> dict[str, Any]:
    response = client.post("/v1/jobs:read", json={"ids": ids, **more})
    assert response.status_code == 200, response.json
    return dict(response.json)


def test_jobs_come_in_the_order_of_their_ids(client: FlaskClient, worker: FakeWorker) -> None:
    ids = [submitted(client) for _ in range(60)]
    worker.run(ids[7])
    found = read(client, ids[::-1])
    assert [job["id"] for job in found["data"]] == ids[::-1]
    alone = client.get(f"/v1/jobs/{ids[7]}").json
    del alone["queue"]
    assert found["data"][-8] == alone
    assert (found["missing"], found["unread"]) == ([], [])


def test_only_what_is_asked_for_is_told(client: FlaskClient) -> None:
    ids = [submitted(client) for _ in range(2)]
    assert read(client, ids, fields=["status", "id"])["data"] == [
        {"id": job_id, "status": "queued"} for job_id in ids
    ]
    assert [job["queue"]["position"] for job in read(client, ids, fields=["queue"])["data"]] == [1, 2]
    assert set(read(client, ids)["data"][0]) == set(FIELDS) - {"queue"}


def test_an_id_given_twice_is_told_once_and_an_unknown_one_is_missing(client: FlaskClient) -> None:
    job_id, unknown = submitted(client), f"job_{uuid.uuid4().hex}"
    found = read(client, [job_id, unknown, job_id])
    assert [job["id"] for job in found["data"]] == [job_id]
    assert found["missing"] == [unknown]


def test_items_of_a_batch_are_jobs_too(client: FlaskClient) -> None:
    batch = client.post("/v1/batches", json={"items": [GENERATE]}).json["id"]
    item = f"job_{batch.removeprefix('batch_')}-0"
    assert read(client, [item], fields=["batch_id"])["data"] == [{"batch_id": batch}]


def test_what_is_too_much_is_to_be_asked_for_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [submitted(client) for _ in range(5)]
    monkeypatch.setattr(reading, "PAGE_BYTES", 1)
    seen, left = [], ids
    while left:
        found = read(client, left)
        seen += [job["id"] for job in found["data"]]
        left = found["unread"]
    assert seen == ids


def test_another_owners_job_is_missing(client: FlaskClient, services: Services) -> None:
    keys = KeyStore(services.store.scripts)
    anna, berta = (
        {"Authorization": f"Bearer {keys.create(name, owner=name, scopes=DEFAULT_SCOPES)[1]}"}
        for name in ("anna", "berta")
    )
    job_id = submitted(client, headers=anna)
    answer = client.post("/v1/jobs:read", json={"ids": [job_id]}, headers=berta).json
    assert (answer["data"], answer["missing"]) == ([], [job_id])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/ids"),
        ({"ids": []}, "/ids"),
        ({"ids": ["job_1"] * (MOST_IDS + 1)}, "/ids"),
        ({"ids": [7]}, "/ids/0"),
        ({"ids": [""]}, "/ids/0"),
        ({"ids": ["job_1"], "fields": []}, "/fields"),
        ({"ids": ["job_1"], "fields": ["secret"]}, "/fields/0"),
        ({"ids": ["job_1"], "limit": 3}, "/limit"),
    ],
)
def test_a_wrong_request_is_a_422_that_names_the_field(
    client: FlaskClient, body: dict[str, Any], pointer: str
) -> None:
    response = client.post("/v1/jobs:read", json=body)
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, pointer)
