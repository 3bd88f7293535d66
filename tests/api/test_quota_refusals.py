"""Requests that a quota refuses: with which limit, and without a trace."""

import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from api import refusals
from api.services import Services
from shared.identifiers import ANONYMOUS
from tests.support.images.pictures import png

DIGIT = {"type": "generate", "seed": 7}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "PAUSE_SECONDS", 0)


def upload(client: FlaskClient, data: bytes) -> Any:
    return client.post("/v1/files", data={"file": (io.BytesIO(data), "a.png")})


def stored(services: Services) -> int:
    return len(list(services.objects.keys("inputs/")))


def test_the_problem_says_which_limit_and_how_far_it_is_spent(
    client: FlaskClient, services: Services
) -> None:
    services.quotas.set(ANONYMOUS, {"queued": 1})
    client.post("/v1/jobs", json=DIGIT)
    response = client.post("/v1/jobs", json=DIGIT)
    problem: dict[str, Any] = dict(response.json or {})
    assert (response.status_code, problem["code"]) == (429, "quota_exceeded")
    assert problem["quota"] == {"name": "queued", "limit": 1, "used": 1, "asked": 1}
    assert problem["detail"] == (
        "the quota is spent: 1 jobs may wait (queued), 1 wait, and this asks for 1 more"
    )
    assert response.headers["Retry-After"] == "2"


def test_a_spent_quota_is_not_asked_again_for_a_second_and_then_it_is(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.quotas.set(ANONYMOUS, {"queued": 1})
    client.post("/v1/jobs", json=DIGIT)
    client.post("/v1/jobs", json=DIGIT)
    services.quotas.set(ANONYMOUS, {"queued": 2})
    assert client.post("/v1/jobs", data=b"{ no json", content_type="application/json").status_code == 429
    assert client.post("/v1/jobs/generate", data={"seed": "8"}).status_code == 202, "another endpoint"
    services.quotas.set(ANONYMOUS, {"queued": 3})
    monkeypatch.setattr(refusals.time, "monotonic", lambda: float("inf"))
    assert client.post("/v1/jobs", json=DIGIT).status_code == 202


def test_more_than_is_left_is_refused_and_less_is_taken_at_once(
    client: FlaskClient, services: Services
) -> None:
    services.quotas.set(ANONYMOUS, {"queued": 3})
    many = {"items": [DIGIT] * 4}
    response = client.post("/v1/batches", json=many)
    assert dict(response.json or {})["quota"]["asked"] == 4
    assert services.batches.page(ANONYMOUS, limit=5, cursor=None).items == ()
    assert client.post("/v1/batches", json={"items": [DIGIT] * 3}).status_code == 202


def test_an_open_batch_takes_what_there_is_room_for_and_the_same_items_again(
    client: FlaskClient, services: Services
) -> None:
    services.quotas.set(ANONYMOUS, {"queued": 3})
    batch = client.post("/v1/batches", json={"items": [DIGIT] * 3, "open": True}).json
    items = f"/v1/batches/{batch['id']}/items"  # type: ignore[index]
    lines = "\n".join([json.dumps(DIGIT)] * 3)
    again = client.post(f"{items}?first=0", data=lines, content_type="application/jsonl")
    assert (again.status_code, client.post(items, json={"items": [DIGIT]}).status_code) == (200, 429)
    assert services.batches.get(batch["id"], ANONYMOUS).counts["total"] == 3  # type: ignore[index]


def test_pixels_of_all_items_count_before_one_is_stored(client: FlaskClient, services: Services) -> None:
    services.quotas.set(ANONYMOUS, {"daily_pixels": 28 * 28 * 2})
    response = client.post("/v1/batches", json={"items": [DIGIT] * 3})
    assert dict(response.json or {})["quota"] == {
        "name": "daily_pixels",
        "limit": 28 * 28 * 2,
        "used": 0,
        "asked": 28 * 28 * 3,
    }
    assert client.post("/v1/batches", json={"items": [DIGIT] * 2}).status_code == 202


def test_an_upload_beyond_the_quota_is_not_stored(client: FlaskClient, services: Services) -> None:
    services.quotas.set(ANONYMOUS, {"stored_bytes": 4096})
    first = upload(client, png(20, 20))
    assert first.status_code == 201
    refused = upload(client, png(21, 20))
    assert (refused.status_code, refused.json["quota"]["name"]) == (429, "stored_bytes")
    assert "Retry-After" not in refused.headers
    assert stored(services) == 1
    assert services.files.add(ANONYMOUS, *_known(services, first.json["id"]))[1] is False


def _known(services: Services, name: str) -> tuple[bytes, Any]:
    file = services.files.get(ANONYMOUS, name)
    return services.objects.get(file.key), file


def test_the_pictures_of_a_refused_form_are_not_stored(client: FlaskClient, services: Services) -> None:
    services.quotas.set(ANONYMOUS, {"queued": 1})
    client.post("/v1/jobs", json=DIGIT)
    form = {"content": (io.BytesIO(png(64, 64)), "a.png"), "style": (io.BytesIO(png(65, 64)), "b.png")}
    assert client.post("/v1/jobs/stylize", data=form).status_code == 429
    assert stored(services) == 0
