"""/v1/pauses: who may pause what, what then waits, and how it goes on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.pauses.store import MOST, MOST_OF_ONE_OWNER
from tests.support.jobs.fake_worker import FakeWorker

GENERATE = {"type": "generate", "seeds": [1]}
WHY = {"reason": "the model makes noise"}


def bearer(services: Services, owner: str, *scopes: Scope) -> dict[str, Any]:
    _, text = KeyStore(services.store.scripts).create(owner, owner=owner, scopes=frozenset(scopes))
    return {"headers": {"Authorization": f"Bearer {text}"}}


def submit(client: FlaskClient, **how: Any) -> str:
    return str(client.post("/v1/jobs", json={**GENERATE, "lane": how.pop("lane", "bulk")}, **how).json["id"])


def claimed(services: Services) -> list[str]:
    return [job.id for job in services.store.claim_next("w")]


def pause(client: FlaskClient, *, status: int = 201, how: dict[str, Any] | None = None, **body: Any) -> Any:
    response = client.post("/v1/pauses", json={**WHY, **body}, **(how or {}))
    assert response.status_code == status, response.json
    return response.json


def faults(problem: Any) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["code"]) for fault in problem["errors"]]


def test_a_pause_tells_what_why_who_and_until_when(client: FlaskClient) -> None:
    made = pause(client, lane="bulk", model="mnist-dcgan", for_seconds=3600)
    told = {name: made[name] for name in ("reason", "lane", "model", "owner", "by", "holds", "window")}
    assert told == {
        **WHY,
        "lane": "bulk",
        "model": "mnist-dcgan",
        "owner": None,
        "by": "anonymous",
        "holds": True,
        "window": None,
    }
    spent = datetime.fromisoformat(made["until"]) - datetime.fromisoformat(made["created_at"])
    assert timedelta(seconds=3599) < spent <= timedelta(seconds=3600)
    assert client.get(f"/v1/pauses/{made['id']}").json == made
    assert client.get("/v1/pauses").json["data"] == [made]


def test_what_is_paused_waits_until_the_pause_is_ended(client: FlaskClient, services: Services) -> None:
    made = pause(client, lane="bulk")
    job_id, other = submit(client), submit(client, lane="interactive")
    assert (claimed(services), claimed(services)) == ([other], [])
    assert client.delete(f"/v1/pauses/{made['id']}").status_code == 204
    assert claimed(services) == [job_id]
    assert client.delete(f"/v1/pauses/{made['id']}").status_code == 404
    assert client.get(f"/v1/pauses/{made['id']}").json["code"] == "pause_not_found"


def test_jobs_that_run_go_on(client: FlaskClient, worker: FakeWorker) -> None:
    job_id = submit(client)
    job = worker.claim(job_id)
    pause(client)
    worker.succeed(job)
    assert client.get(f"/v1/jobs/{job_id}").json["status"] == "succeeded"


def test_a_window_holds_in_its_part_of_the_day(client: FlaskClient, services: Services) -> None:
    zone = "Asia/Kolkata"
    now = datetime.now(UTC) + timedelta(hours=5, minutes=30)
    in_window = f"{now - timedelta(hours=2):%H:%M}-{now + timedelta(hours=2):%H:%M}"
    made = pause(client, window=in_window, timezone=zone)
    job_id = submit(client)
    assert (made["holds"], made["window"], made["timezone"], made["until"]) == (True, in_window, zone, None)
    assert made["window_starts_at"] < made["created_at"] < made["window_ends_at"]
    assert claimed(services) == []
    client.delete(f"/v1/pauses/{made['id']}")
    later = f"{now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=4):%H:%M}"
    made = pause(client, window=later, timezone=zone)
    assert (made["holds"], made["created_at"] < made["window_starts_at"]) == (False, True)
    assert claimed(services) == [job_id]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"reason": ""}, "/reason"),
        ({"reason": "two\nlines"}, "/reason"),
        ({"lane": "fast"}, "/lane"),
        ({"owner": "Two Words"}, "/owner"),
        ({"for_seconds": 0}, "/for_seconds"),
        ({"for_seconds": 1.5}, "/for_seconds"),
        ({"until": "tomorrow"}, "/until"),
        ({"until": "2001-01-01T00:00:00Z"}, "/until"),
        ({"until": "2999-01-01T00:00:00Z"}, "/until"),
        ({"until": "2026-01-01T00:00:00"}, "/until"),
        ({"window": "1-7"}, "/window"),
        ({"window": "07:00-07:00"}, "/window"),
        ({"window": "01:00-07:00", "timezone": "Mars"}, "/timezone"),
        ({"timezone": "UTC"}, ""),
        ({"until": "2999-01-01T00:00:00Z", "for_seconds": 5}, ""),
        ({"models": ["mnist-dcgan"]}, "/models"),
        ({"model": "nobody"}, "/model"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_field(
    client: FlaskClient, body: dict[str, Any], pointer: str
) -> None:
    assert [where for where, _ in faults(pause(client, status=422, **body))] == [pointer]
    assert client.get("/v1/pauses").json["data"] == []


def test_an_owner_pauses_its_own_jobs_alone(client: FlaskClient, services: Services) -> None:
    shop = bearer(services, "shop", Scope.SUBMIT, Scope.READ)
    other = bearer(services, "other", Scope.SUBMIT, Scope.READ)
    made = pause(client, how=shop)
    assert (made["owner"], made["by"]) == ("shop", "shop")
    assert pause(client, status=403, how=shop, owner="other")["code"] == "scope_missing"
    waits, goes = submit(client, **shop), submit(client, **other)
    assert (claimed(services), claimed(services)) == ([goes], [])
    assert client.get("/v1/pauses", **other).json["data"] == []
    assert client.get(f"/v1/pauses/{made['id']}", **other).status_code == 404
    assert client.delete(f"/v1/pauses/{made['id']}", **other).status_code == 404
    assert client.delete(f"/v1/pauses/{made['id']}", **shop).status_code == 204
    assert claimed(services) == [waits]


def test_an_owner_sees_what_holds_for_it_and_ends_only_what_it_made(
    client: FlaskClient, services: Services
) -> None:
    admin, shop = bearer(services, "ops", Scope.ADMIN), bearer(services, "shop", Scope.SUBMIT, Scope.READ)
    ids = {
        name: pause(client, how=admin, **{"owner": name} if name else {})["id"] for name in ("", "shop", "b")
    }
    seen = client.get("/v1/pauses", **shop).json["data"]
    assert {entry["id"] for entry in seen} == {ids[""], ids["shop"]}
    assert {entry["by"] for entry in seen} == {None}
    for name, status in (("", 403), ("shop", 403), ("b", 404)):
        assert client.delete(f"/v1/pauses/{ids[name]}", **shop).status_code == status
    assert len(client.get("/v1/pauses", **admin).json["data"]) == 3


def test_there_are_so_many_pauses_and_owners_leave_room_for_admins(
    client: FlaskClient, services: Services
) -> None:
    admin = bearer(services, "ops", Scope.ADMIN)
    for shop in [bearer(services, f"shop{number}", Scope.SUBMIT) for number in range(13)]:
        made = [client.post("/v1/pauses", json=WHY, **shop).status_code for _ in range(MOST_OF_ONE_OWNER + 1)]
        assert made[-1] == 409
    room = MOST - len(client.get("/v1/pauses", **admin).json["data"])
    assert [client.post("/v1/pauses", json=WHY, **admin).status_code for _ in range(room)] == [201] * room
    assert room == 16
    assert pause(client, status=409, how=admin)["code"] == "too_many_pauses"


def test_the_same_key_makes_one_pause(client: FlaskClient) -> None:
    how = {"headers": {"Idempotency-Key": "once"}}
    assert pause(client, how=how) == pause(client, how=how)
    assert pause(client)["id"] != pause(client)["id"]


def test_a_models_limit_holds_until_it_is_taken_away(client: FlaskClient, services: Services) -> None:
    limits = "/v1/models/mnist-dcgan/limits"
    assert client.get(limits).json == {"running": None}
    assert client.put(limits, json={"running": 1}).json == client.get(limits).json == {"running": 1}
    ids = [submit(client) for _ in range(2)]
    assert (claimed(services), claimed(services)) == (ids[:1], [])
    assert client.put(limits, json={"running": None}).json == {"running": None}
    assert claimed(services) == ids[1:]


@pytest.mark.parametrize(
    "body", [{"running": 0}, {"running": 1.5}, {"running": "2"}, {}, {"running": 1, "a": 1}]
)
def test_a_models_limit_is_a_whole_number_above_zero(client: FlaskClient, body: Any) -> None:
    assert client.put("/v1/models/mnist-dcgan/limits", json=body).status_code == 422
    assert client.put("/v1/models/nobody/limits", json={"running": 1}).status_code == 404
