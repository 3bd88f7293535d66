"""Quotas and usage over HTTP: one's own, and for admins those of others."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from tests.support.jobs.fake_worker import FakeWorker

DIGIT = {"type": "generate", "seed": 7}
LIMITS = ("queued", "running", "stored_bytes", "daily_pixels")


class Keys:
    """Makes keys, and what they are sent with."""

    def __init__(self, services: Services) -> None:
        self._store = KeyStore(services.store.scripts)

    def __call__(self, owner: str, *scopes: Scope) -> dict[str, Any]:
        _, text = self._store.create(owner, owner=owner, scopes=frozenset(scopes))
        return {"headers": {"Authorization": f"Bearer {text}"}}


@pytest.fixture
def keys(services: Services) -> Keys:
    return Keys(services)


def test_an_admin_sets_what_an_owner_may_have_and_the_owner_reads_it(client: FlaskClient, keys: Keys) -> None:
    root, shop = keys("root", Scope.ADMIN), keys("shop", Scope.SUBMIT, Scope.READ)
    told = client.put("/v1/owners/shop/quota", json={"queued": 1, "running": 0}, **root).json
    assert told["own"] == {**dict.fromkeys([*LIMITS, "weight"]), "queued": 1, "running": 0}
    assert client.post("/v1/jobs", json=DIGIT, **shop).status_code == 202
    assert client.get("/v1/quota", **shop).json["used"]["queued"] == 1
    assert client.get("/v1/quota", **shop).json["limits"] == {**dict.fromkeys(LIMITS, 0), "queued": 1}
    assert client.get("/v1/owners/shop/quota", **root).json["used"]["queued"] == 1
    assert client.get("/v1/quota", **root).json["used"]["queued"] == 0
    assert client.put("/v1/owners/shop/quota", json={}, **root).json["own"] == dict.fromkeys(
        [*LIMITS, "weight"]
    )


def test_an_admin_sets_the_weight_of_an_owner_and_the_owner_reads_it(client: FlaskClient, keys: Keys) -> None:
    root, shop = keys("root", Scope.ADMIN), keys("shop", Scope.READ)
    assert client.get("/v1/quota", **shop).json["weight"] == 1
    told = client.put("/v1/owners/shop/quota", json={"weight": 3}, **root).json
    assert (told["own"]["weight"], told["weight"]) == (3, 3)
    assert client.get("/v1/quota", **shop).json["weight"] == 3
    assert client.put("/v1/owners/shop/quota", json={}, **root).json["weight"] == 1


def test_nobody_else_reads_or_sets_a_quota(client: FlaskClient, keys: Keys) -> None:
    shop = keys("shop", Scope.SUBMIT, Scope.READ)
    assert client.get("/v1/owners/shop/quota", **shop).status_code == 403
    assert client.put("/v1/owners/shop/quota", json={"queued": 0}, **shop).status_code == 403


@pytest.mark.parametrize(
    "limits",
    [
        {"queued": -1},
        {"queued": "5"},
        {"queued": True},
        {"pictures": 1},
        {"weight": 0},
        {"weight": 101},
        {"weight": 1.5},
    ],
)
def test_a_limit_is_a_whole_number(client: FlaskClient, services: Services, limits: dict[str, Any]) -> None:
    assert client.put("/v1/owners/shop/quota", json=limits).status_code == 422
    assert services.quotas.read("shop").own == {}


def test_an_owner_is_a_name(client: FlaskClient) -> None:
    assert client.put("/v1/owners/Shop/quota", json={}).status_code == 422


def test_usage_is_told_by_day_owner_key_and_model(
    client: FlaskClient, keys: Keys, worker: FakeWorker
) -> None:
    root, shop, other = keys("root", Scope.ADMIN), keys("shop", *Scope), keys("other", *Scope)
    for whose in (shop, shop, other):
        worker.run(client.post("/v1/jobs", json=DIGIT, **whose).json["id"])
    told = client.get("/v1/usage", **shop).json
    (entry,) = told["data"]
    assert {name: entry[name] for name in ("owner", "model", "jobs", "pixels", "bytes")} == {
        "owner": "shop", "model": "mnist-dcgan", "jobs": 2, "pixels": 2 * 28 * 28, "bytes": 2 * 4096,
    }  # fmt: skip
    assert shop["headers"]["Authorization"].split("_")[1] == entry["key"]
    assert entry["day"] == told["until"]
    assert [each["owner"] for each in client.get("/v1/usage?owner=*", **root).json["data"]] == [
        "other",
        "shop",
    ]
    assert client.get("/v1/usage?owner=other", **root).json["data"][0]["jobs"] == 1
    assert client.get("/v1/usage", **root).json["data"] == []


def test_anothers_usage_is_for_admins(client: FlaskClient, keys: Keys) -> None:
    shop = keys("shop", Scope.READ)
    assert client.get("/v1/usage?owner=shop", **shop).status_code == 200
    for whose in ("*", "other"):
        assert client.get(f"/v1/usage?owner={whose}", **shop).status_code == 403


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("since=2026-01-01", 200), ("until=2026-01-31", 200), ("until=0001-01-01", 200),
     ("since=9999-12-31", 422), ("since=2026-01-01&until=2026-01-31", 200),
     ("since=2026-01-01&until=2026-02-01", 422), ("since=2026-01-02&until=2026-01-01", 422),
     ("since=yesterday", 422)],
)  # fmt: skip
def test_a_response_has_a_month_at_most(client: FlaskClient, query: str, status: int) -> None:
    response = client.get(f"/v1/usage?{query}")
    assert response.status_code == status
    if status == 200:
        told = response.json or {}
        days = date.fromisoformat(told["until"]) - date.fromisoformat(told["since"])
        assert timedelta(0) <= days < timedelta(days=31)
