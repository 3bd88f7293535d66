"""Dry runs: what a submission would come to, told without a trace."""

import base64
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.identifiers import file_id, sha256
from shared.setting_groups import DiskRules
from shared.settings import Settings
from shared.storage.disk_guard import open_disk_guard
from tests.support.images.pictures import jpeg, png
from tests.support.jobs.fake_worker import FakeWorker

DIGIT = {"type": "generate", "seed": 7}
CONTENT, STYLE = jpeg(40, 30), png(20, 20)
PAINTING = {
    "type": "stylize",
    "content": file_id(sha256(CONTENT)),
    "styles": [{"image": file_id(sha256(STYLE))}],
}
AMOUNTS = ("items", "pictures", "pixels")


def at_address(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


BY_ADDRESS = {
    "type": "stylize",
    "content": at_address(CONTENT, "jpeg"),
    "styles": [{"image": at_address(STYLE, "png")}],
}


def form() -> dict[str, Any]:
    pictures = {"content": (BytesIO(CONTENT), "a.jpg"), "style": (BytesIO(STYLE), "b.png")}
    return {"data": pictures, "content_type": "multipart/form-data"}


def lines(*items: str) -> dict[str, Any]:
    return {"data": "\n".join(items), "content_type": "application/jsonl"}


REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a job": ("POST", "/v1/jobs", {"json": DIGIT}),
    "a job under its own id": ("PUT", "/v1/jobs/mine", {"json": DIGIT}),
    "a form": ("POST", "/v1/jobs/generate", {"data": {"seed": "7"}}),
    "a form with pictures": ("POST", "/v1/jobs/stylize", form()),
    "pictures by address": ("POST", "/v1/jobs", {"json": BY_ADDRESS}),
    "a batch": ("POST", "/v1/batches", {"json": {"items": [DIGIT] * 3}}),
    "lines": ("POST", "/v1/batches?name=x", lines('{"type": "generate"}', '{"type": "generate"}')),
    "a template": (
        "POST", "/v1/batches", {"json": {"template": {"type": "generate", "multiply": {"seed": [1, 2]}}}}
    ),
    "a batch with addresses": ("POST", "/v1/batches", {"json": {"items": [BY_ADDRESS]}}),
}  # fmt: skip


def stored(services: Services) -> tuple[dict[str, Any], list[str]]:
    """Return all that is kept of anything: the values of the server's keys, and the names of objects."""
    client = services.store.client
    names = sorted(client.keys("*"))
    kinds = {name: client.type(name) for name in names}
    read = {
        "string": client.get,
        "hash": client.hgetall,
        "set": client.smembers,
        "list": lambda name: client.lrange(name, 0, -1),
        "zset": lambda name: client.zrange(name, 0, -1, withscores=True),
        "stream": client.xrange,
    }
    return {name: read[kinds[name]](name) for name in names}, sorted(services.objects.keys(""))


def tried(client: FlaskClient, method: str, path: str, **parts: Any) -> dict[str, Any]:
    """Return the answer to a dry run."""
    response = client.open(f"{path}{'&' if '?' in path else '?'}dry_run=true", method=method, **parts)
    assert response.status_code == 200, response.json
    assert response.json["object"] == "estimate"
    return dict(response.json)


def as_in_earnest(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if value is not None and name != "request_id"}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_dry_run_leaves_no_trace(client: FlaskClient, services: Services, name: str) -> None:
    method, path, parts = REQUESTS[name]
    before = stored(services)
    told = tried(client, method, path, headers={"Idempotency-Key": "k"}, **parts)
    assert (told["accepted"], told["problems"], told["repeats"]) == (True, [], None)
    assert stored(services) == before
    again = form() if "data" in parts and "content" in parts["data"] else parts
    response = client.open(path, method=method, headers={"Idempotency-Key": "k"}, **again)
    assert (response.status_code, response.headers.get("Idempotency-Replayed")) == (202, None)


@pytest.mark.parametrize("form", ["jobs", "batches"])
def test_amounts_are_those_that_come(client: FlaskClient, worker: FakeWorker, form: str) -> None:
    body: Any = DIGIT if form == "jobs" else {"items": [DIGIT] * 3}
    told = tried(client, "POST", f"/v1/{form}", json=body)
    made = client.post(f"/v1/{form}", json=body).json
    jobs = (
        [made["id"]] if form == "jobs" else [i["id"] for i in client.get(made["urls"]["items"]).json["data"]]
    )
    for job in jobs:
        worker.run(job)
    (used,) = client.get("/v1/usage").json["data"]
    assert (told["items"], told["pixels"]) == (used["jobs"], used["pixels"])
    assert told["pictures"] == len(jobs)
    assert used["bytes"] <= told["bytes"] <= 2 * used["bytes"]


def test_several_pictures_count_with_their_pixels(client: FlaskClient) -> None:
    many = tried(client, "POST", "/v1/jobs", json={"type": "generate", "count": 5, "upscale": {"factor": 3}})
    assert [many[name] for name in AMOUNTS] == [1, 5, 5 * 84 * 84]
    painted = tried(client, "POST", "/v1/jobs/stylize", **form())
    assert [painted[name] for name in AMOUNTS] == [1, 1, 40 * 30]


REFUSED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "fields": ("POST", "/v1/jobs", {"json": {"type": "generate", "digit": 77, "seed": -1}}),
    "an unknown model": ("POST", "/v1/jobs", {"json": {**DIGIT, "model": "none"}}),
    "a missing file": ("POST", "/v1/jobs", {"json": PAINTING}),
    "a form": ("POST", "/v1/jobs/generate", {"data": {"digit": "77"}}),
    "a webhook": ("POST", "/v1/jobs", {"json": {**DIGIT, "webhook": {"url": "http://10.0.0.1/"}}}),
    "too long a stay": ("POST", "/v1/jobs", {"json": {**DIGIT, "ttl_seconds": 10**9}}),
    "items": ("POST", "/v1/batches", {"json": {"items": [DIGIT, {**DIGIT, "digit": 77}]}}),
    "a line": ("POST", "/v1/batches", lines('{"type": "generate"}', "{")),
    "items without files": ("POST", "/v1/batches", {"json": {"items": [PAINTING, DIGIT]}}),
    "a batch's webhook": (
        "POST", "/v1/batches", {"json": {"items": [DIGIT], "webhook": {"url": "http://10.0.0.1/"}}}
    ),
    "a batch that stays too long": (
        "POST", "/v1/batches", {"json": {"items": [DIGIT], "ttl_seconds": 3_000_000}}
    ),
    "a setting": ("POST", "/v1/batches", {"json": {"items": [DIGIT], "lane": "fast"}}),
    "a template": ("POST", "/v1/batches", {"json": {"template": {**DIGIT, "multiply": {"seed": [1]}}}}),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_refused_is_told_as_in_earnest(
    client: FlaskClient, services: Services, name: str
) -> None:
    method, path, parts = REFUSED[name]
    told = tried(client, method, path, **parts)
    assert not told["accepted"]
    (problem,) = told["problems"]
    assert stored(services) == ({}, [])
    assert as_in_earnest(problem) == as_in_earnest(client.open(path, method=method, **parts).json)


def test_items_that_are_at_fault_are_counted_and_the_others_measured(client: FlaskClient) -> None:
    told = tried(client, "POST", "/v1/batches", json={"items": [DIGIT, {**DIGIT, "digit": 77}, DIGIT]})
    assert (told["items"], told["refused_items"], told["pixels"]) == (3, 1, 2 * 784)


def test_a_model_that_no_worker_has_and_a_spent_quota_are_both_told(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    worker.announce("other", available=("other",))
    services.quotas.set("anonymous", {"queued": 1})
    told = tried(client, "POST", "/v1/jobs", json=DIGIT)
    assert [problem["code"] for problem in told["problems"]] == ["model_unavailable"]
    assert told["refused_items"] == 1
    worker.announce("mnist-dcgan", name="w2")
    assert tried(client, "POST", "/v1/jobs", json=DIGIT)["accepted"]
    batch = tried(client, "POST", "/v1/batches", json={"items": [DIGIT] * 2})
    assert [(each["code"], each["quota"]["asked"]) for each in batch["problems"]] == [("quota_exceeded", 2)]


def test_pictures_that_come_along_count_for_the_quota(client: FlaskClient, services: Services) -> None:
    taken = tried(client, "POST", "/v1/jobs/stylize", **form())["bytes"]
    services.quotas.set("anonymous", {"stored_bytes": taken + 4096})
    told = tried(client, "POST", "/v1/jobs/stylize", **form())
    assert [each["quota"]["asked"] for each in told["problems"]] == [taken + 2 * 4096]
    services.quotas.set("anonymous", {"stored_bytes": taken + 2 * 4096})
    assert tried(client, "POST", "/v1/jobs/stylize", **form())["accepted"]
    assert client.post("/v1/jobs/stylize", **form()).status_code == 202


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/batches"])
def test_a_repetition_is_told_what_it_would_find(client: FlaskClient, path: str) -> None:
    body: Any = DIGIT if path == "/v1/jobs" else {"items": [DIGIT]}
    other: Any = {**DIGIT, "seed": 8} if path == "/v1/jobs" else {"items": [DIGIT] * 2}
    key = {"Idempotency-Key": "k"}
    made = client.post(path, json=body, headers=key).json["id"]
    told = tried(client, "POST", path, json=body, headers=key)
    assert (told["accepted"], told["repeats"], told["pixels"]) == (True, made, 0)
    told = tried(client, "POST", path, json=other, headers=key)
    assert [each["code"] for each in told["problems"]] == ["idempotency_key_reused"]


def test_an_id_that_is_gone_is_refused(client: FlaskClient, worker: FakeWorker) -> None:
    client.put("/v1/jobs/mine", json=DIGIT)
    worker.run("mine")
    client.delete("/v1/jobs/mine")
    assert [each["code"] for each in tried(client, "PUT", "/v1/jobs/mine", json=DIGIT)["problems"]] == [
        "job_gone"
    ]


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/generate", "/v1/batches"])
@pytest.mark.parametrize("query", ["dry_run=yes!", "dryrun=true", "dry_run="])
def test_a_slip_in_the_query_submits_nothing(
    client: FlaskClient, services: Services, path: str, query: str
) -> None:
    bodies: dict[str, Any] = {"/v1/jobs": {"json": DIGIT}, "/v1/batches": {"json": {"items": [DIGIT]}}}
    body = bodies.get(path, {"data": {"seed": "1"}})
    assert client.post(f"{path}?{query}", **body).status_code == 422
    assert stored(services) == ({}, [])


def test_a_retry_is_no_dry_run(client: FlaskClient, worker: FakeWorker) -> None:
    job = client.post("/v1/jobs", json=DIGIT).json
    worker.fail(worker.claim(job["id"]))
    assert client.post(f"{job['urls']['retry']}?dry_run=true").status_code == 422
    assert client.get(job["urls"]["self"]).json["retried_as"] is None


def test_dry_runs_take_no_room(services: Services, settings: Settings, client: FlaskClient) -> None:
    """The disk guard counts what comes between two measurements; what is only tried does not come."""
    rules = DiskRules(floor_mebibytes=0, quota_mebibytes=1)
    guard = open_disk_guard(settings.model_copy(update={"disk": rules}), services.objects)
    object.__setattr__(services, "disk", guard)
    batch = {"items": [DIGIT] * 60}  # three files and folders each
    answers = [tried(client, "POST", "/v1/batches", json=batch)["accepted"] for _ in range(5)]
    assert answers == [True] * 5
    told = tried(client, "POST", "/v1/batches", json={"items": [DIGIT] * 100})
    assert [problem["code"] for problem in told["problems"]] == ["out_of_disk"]


def test_times_are_known_once_such_work_was_measured(client: FlaskClient, worker: FakeWorker) -> None:
    batch = {"items": [DIGIT] * 8}
    assert tried(client, "POST", "/v1/batches", json=batch)["work_seconds"] is None
    worker.announce("mnist-dcgan", slots=2)
    worker.run(client.post("/v1/jobs", json=DIGIT).json["id"])
    one = tried(client, "POST", "/v1/jobs", json=DIGIT)
    assert one["work_seconds"] is not None
    assert one["eta_seconds"] == one["work_seconds"]
    assert tried(client, "POST", "/v1/batches", json=batch)["eta_seconds"] is not None


@pytest.mark.parametrize("more", [{}, {"count": 5}])  # of a size that was measured, and of another
def test_without_a_worker_the_work_is_known_and_its_end_is_not(
    client: FlaskClient, worker: FakeWorker, more: dict[str, int]
) -> None:
    worker.run(client.post("/v1/jobs", json=DIGIT).json["id"])
    told = tried(client, "POST", "/v1/jobs", json={**DIGIT, **more})
    assert told["work_seconds"] is not None
    assert told["eta_seconds"] is None


def test_work_that_is_paused_without_an_end_has_none(client: FlaskClient, worker: FakeWorker) -> None:
    worker.announce("mnist-dcgan", slots=2)
    worker.run(client.post("/v1/jobs", json=DIGIT).json["id"])
    client.post("/v1/pauses", json={"model": "mnist-dcgan", "reason": "new weights"})
    batch = {"items": [DIGIT] * 8}
    for told in (
        tried(client, "POST", "/v1/jobs", json=DIGIT),
        tried(client, "POST", "/v1/batches", json=batch),
    ):
        assert told["accepted"]
        assert told["work_seconds"] is not None
        assert told["eta_seconds"] is None
