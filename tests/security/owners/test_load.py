"""What the service tells of its load: all of it to admins, to others what concerns their own work."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import DEFAULT_SCOPES, Scope
from shared.access.store import KeyStore
from tests.support.jobs.fake_worker import FakeWorker

ADMIN = frozenset({Scope.ADMIN})


def key_of(services: Services, owner: str, scopes: frozenset[Scope] = DEFAULT_SCOPES) -> dict[str, str]:
    _, text = KeyStore(services.store.scripts).create(owner, owner=owner, scopes=scopes)
    return {"Authorization": f"Bearer {text}"}


def fill(services: Services) -> None:
    """Have the job store take no new work."""
    client = services.store.client
    client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.1))


@pytest.fixture
def room_again(services: Services) -> Iterator[None]:
    yield
    services.store.client.config_set("maxmemory", 0)


def test_a_place_is_among_ones_own_jobs_and_an_admins_among_all(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce("mnist-dcgan", slots=1)
    anna, bert, root = (key_of(services, "anna"), key_of(services, "bert"), key_of(services, "root", ADMIN))
    spec = {"type": "generate", "seed": 7}

    def submit(headers: dict[str, str], **more: object) -> dict[str, object]:
        return dict(client.post("/v1/jobs", json={**spec, **more}, headers=headers).json["queue"])

    for _ in range(3):
        submit(bert)
    assert submit(bert)["position"] == 4
    assert [submit(anna)["position"] for _ in range(2)] == [1, 2]
    assert submit(anna, lane="bulk")["position"] == 3
    assert submit(root)["position"] == 3  # each of the others has a turn before
    assert submit(root, lane="bulk")["position"] == 9


def test_a_time_is_known_from_ones_own_jobs(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce("mnist-dcgan", slots=1)
    anna, bert = key_of(services, "anna"), key_of(services, "bert")
    spec = {"type": "generate", "seed": 7}

    def submit(headers: dict[str, str]) -> dict[str, object]:
        return dict(client.post("/v1/jobs", json=spec, headers=headers).json)

    worker.run(str(submit(bert)["id"]))
    why = {"reason": "workers_busy", "until": None, "detail": None}
    assert submit(anna)["queue"] == {"lane": "interactive", "position": 1, "eta_seconds": None, **why}
    told = submit(bert)["queue"]
    assert isinstance(told, dict)
    assert told["eta_seconds"] is not None


@pytest.mark.usefixtures("room_again")
def test_how_full_the_store_is_is_told_to_admins_alone(client: FlaskClient, services: Services) -> None:
    anna, root = key_of(services, "anna"), key_of(services, "root", ADMIN)
    fill(services)
    for headers, is_told in ((anna, False), (root, True)):
        refused = client.post("/v1/jobs", json={"type": "generate"}, headers=headers)
        assert (refused.status_code, refused.json["code"]) == (503, "store_full")
        assert ("MiB" in refused.json["detail"]) is is_told


@pytest.mark.usefixtures("room_again")
def test_without_keys_it_is_told_to_one_who_asks(client: FlaskClient, services: Services) -> None:
    fill(services)
    assert "MiB" in client.post("/v1/jobs", json={"type": "generate"}).json["detail"]
