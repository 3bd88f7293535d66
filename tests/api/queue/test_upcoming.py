"""GET /v1/queue: what waits, next first."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import DEFAULT_SCOPES
from shared.access.store import KeyStore
from tests.support.jobs.fake_worker import FakeWorker

HOUR = timedelta(hours=1)


def submit(client: FlaskClient, **fields: Any) -> str:
    return str(client.post("/v1/jobs", json={"type": "generate", **fields}).json["id"])


def read_all(client: FlaskClient, limit: int) -> list[str]:
    """Return the ids of the whole queue, page by page."""
    found: list[str] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        page = client.get("/v1/queue", query_string=query).json
        assert len(page["data"]) <= limit
        found += [job["id"] for job in page["data"]]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_what_is_next_comes_first_lane_after_lane(
    client: FlaskClient, worker: FakeWorker, limit: int
) -> None:
    bulk = [submit(client, lane="bulk") for _ in range(2)]
    running, *quick = (submit(client) for _ in range(4))
    worker.claim(running)
    submit(client, not_before=(datetime.now(UTC) + HOUR).isoformat())
    items = [{"type": "generate", "seed": seed} for seed in range(3)]
    assert client.post("/v1/batches", json={"items": items, "lane": "interactive"}).status_code == 202
    client.post(f"/v1/jobs/{quick[2]}/move", json={"to": "front"})
    assert read_all(client, limit) == [quick[2], *quick[:2], *bulk]


def test_each_has_its_place_and_only_the_fields_that_are_asked_for(client: FlaskClient) -> None:
    first, second = submit(client), submit(client)
    page = client.get("/v1/queue?fields=id,queue").json
    assert [(job["id"], job["queue"]["position"]) for job in page["data"]] == [(first, 1), (second, 2)]
    assert [set(job) for job in page["data"]] == [{"id", "queue"}] * 2


def test_only_those_of_a_type_or_a_model(client: FlaskClient) -> None:
    job = submit(client)
    found = [
        [each["id"] for each in client.get(f"/v1/queue?{query}").json["data"]]
        for query in ("type=generate", "type=stylize", "model=mnist-dcgan", "model=other")
    ]
    assert found == [[job], [], [job], []]


@pytest.mark.parametrize("cursor", ["", "7", "2:1.0", "0:nan", "0:1.0.0", "-1:2"])
def test_a_cursor_that_is_none_is_refused(client: FlaskClient, cursor: str) -> None:
    answer = client.get("/v1/queue", query_string={"cursor": cursor})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/cursor")


def test_nobody_elses_jobs_are_in_it(client: FlaskClient, services: Services) -> None:
    headers = {}
    for name in ("anna", "berta"):
        _, key = KeyStore(services.store.scripts).create(name, owner=name, scopes=DEFAULT_SCOPES)
        headers[name] = {"Authorization": f"Bearer {key}"}
    job = client.post("/v1/jobs", json={"type": "generate"}, headers=headers["anna"]).json["id"]
    found = {name: client.get("/v1/queue", headers=headers[name]).json["data"] for name in headers}
    assert ([each["id"] for each in found["anna"]], found["berta"]) == ([job], [])
