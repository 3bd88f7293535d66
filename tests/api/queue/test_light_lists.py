"""`fields` of the lists of jobs, batches and items: only what is asked for is told, and read."""

from collections.abc import Iterable
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.batches.views import BatchView
from shared.identifiers import ANONYMOUS
from shared.jobs.reading import PageReader
from shared.jobs.views import JobView
from tests.support.jobs.fake_worker import FakeWorker

WALK = {"type": "generate", "seeds": [1], "metadata": {"for": "the wall"}}


@pytest.fixture
def lists(client: FlaskClient, worker: FakeWorker) -> list[str]:
    """The addresses of lists with jobs and items in every status, and with a batch."""
    jobs = [client.post("/v1/jobs", json=WALK).json["id"] for _ in range(4)]
    batch = client.post("/v1/batches", json={"items": [WALK] * 4, "metadata": {"a": "b"}}).json["id"]
    first = f"job_{batch.removeprefix('batch_')}-"
    for some in (jobs, [f"{first}{i}" for i in range(4)]):
        worker.run(some[0])
        worker.fail(worker.claim(some[1]))
        worker.claim(some[2])
    return ["/v1/jobs?items=true", f"/v1/batches/{batch}/items?limit=50", "/v1/batches?limit=50"]


def entries(client: FlaskClient, address: str, fields: str = "") -> list[dict[str, Any]]:
    response = client.get(f"{address}&fields={fields}" if fields else address)
    assert response.status_code == 200, response.json
    return list(response.json["data"])


def wrong_alone(client: FlaskClient, address: str, names: Iterable[str]) -> set[str]:
    """Return the fields that are not the same alone as in the whole list."""
    whole = entries(client, address)
    assert whole
    return {
        name for name in names if entries(client, address, name) != [{name: entry[name]} for entry in whole]
    }


def test_each_field_alone_is_as_in_the_whole(client: FlaskClient, lists: list[str]) -> None:
    jobs, items, batches = lists
    assert wrong_alone(client, jobs, JobView.model_fields) == set()
    assert wrong_alone(client, items, JobView.model_fields) == set()
    assert wrong_alone(client, batches, BatchView.model_fields) == set()


def test_a_page_goes_on_with_the_same_fields(client: FlaskClient, lists: list[str]) -> None:
    first = client.get("/v1/jobs?limit=3&fields=id,status")
    assert [set(job) for job in first.json["data"]] == [{"id", "status"}] * 3
    assert first.json["unlisted_items"] == 4
    link = first.headers["Link"]
    (last,) = client.get(link[1 : link.index(">")]).json["data"]
    assert set(last) == {"id", "status"}


def test_filters_work_on_what_is_not_told(client: FlaskClient, lists: list[str]) -> None:
    address = f"{lists[0]}&status=failed&code=corrupt_image&metadata=for=the wall&type=generate"
    assert entries(client, address, "status") == [{"status": "failed"}] * 2
    assert entries(client, f"{lists[0]}&metadata=for=the door", "status") == []


@pytest.mark.parametrize(("text", "place"), [("id,secret", 1), ("", 0), ("id;status", 0), ("ID", 0)])
def test_an_unknown_field_is_named(client: FlaskClient, lists: list[str], text: str, place: int) -> None:
    for address in lists:
        response = client.get(f"{address}&fields={text}")
        assert response.status_code == 422
        (fault,) = response.json["errors"]
        assert (fault["pointer"], fault["code"]) == (f"/fields/{place}", "invalid_choice")
        assert fault["detail"].startswith(f"fields.{place} must be id, object, ")


def test_the_specification_is_not_read_without_need(client: FlaskClient, services: Services) -> None:
    latent = {"type": "generate", "latents": [[0.5] * 100] * 16}
    job = client.post("/v1/jobs", json=latent).json["id"]
    batch = client.post("/v1/batches", json={"items": [latent] * 3}).json["id"]
    reader, whole = PageReader(services.store.scripts, ["status"]), PageReader(services.store.scripts)
    ids = [job, *(f"job_{batch.removeprefix('batch_')}-{i}" for i in range(3))]
    room = reader.bytes_left
    assert [found.owner for found in reader.read(ids) if found] == [ANONYMOUS] * 4
    whole.read(ids)
    assert room - reader.bytes_left < 1500 < 25_000 < room - whole.bytes_left
