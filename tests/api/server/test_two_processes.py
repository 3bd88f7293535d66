"""Two API processes behind one address that takes turns: what one was told, the other knows."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.services import Services, build_services
from atelier.local.redis_server import EmbeddedServer
from shared.access.key import KeyText
from shared.jobs.status import Status
from shared.settings import Settings
from tests.support.http.gunicorn_server import loopback_gunicorn
from tests.support.http.round_robin import TURN, round_robin
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import FakeWorker

pytestmark = pytest.mark.slow

FIRST, SECOND = {TURN: "0"}, {TURN: "1"}
ADMIN = KeyText.new()
GENERATE = {"type": "generate", "model": "mnist-dcgan", "seed": 7}
WAIT = {"wait": "20"}
REVOKED_SECONDS = 5.0  # promised is one second, on a machine that is not busy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("two")


@pytest.fixture(scope="module")
def settings(folder: Path) -> dict[str, str]:
    return {
        "ATELIER_STORAGE_URL": (folder / "storage").as_uri(),
        "ATELIER_ACCESS_BOOTSTRAP_KEY": str(ADMIN),
        "ATELIER_API_TRUSTED_PROXIES": "1",
    }


@pytest.fixture(scope="module")
def http(module_server: EmbeddedServer, folder: Path, settings: dict[str, str]) -> Iterator[httpx.Client]:
    """A client of the address; a request without a turn of its own goes to either process."""
    with (
        loopback_gunicorn(module_server.url, folder / "first", **settings) as first,
        loopback_gunicorn(module_server.url, folder / "second", **settings) as second,
        round_robin([first.address, second.address]) as url,
        httpx.Client(base_url=url, headers=bearer(ADMIN), timeout=30) as http,
    ):
        yield http


@pytest.fixture(scope="module")
def services(module_server: EmbeddedServer, folder: Path) -> Services:
    settings = Settings(
        redis_url=module_server.url, state_dir=folder, storage_url=(folder / "storage").as_uri()
    )
    return build_services(settings)


@pytest.fixture
def worker(services: Services) -> FakeWorker:
    worker = FakeWorker(services)
    worker.announce("mnist-dcgan")
    return worker


def bearer(key: object) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def submitted(http: httpx.Client, **more: Any) -> str:
    response = http.post("/v1/jobs", json=GENERATE | more, headers=FIRST)
    assert response.headers[TURN] == "0"
    return str(response.raise_for_status().json()["id"])


def test_a_wait_at_one_ends_with_what_a_worker_does(http: httpx.Client, worker: FakeWorker) -> None:
    job_id = submitted(http)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(http.get, f"/v1/jobs/{job_id}", params=WAIT, headers=SECOND)
        worker.run(job_id)
        assert asked.result().json()["status"] == Status.SUCCEEDED


def test_a_stream_at_one_tells_of_a_cancellation_at_the_other(http: httpx.Client) -> None:
    job_id = submitted(http)
    with http.stream("GET", f"/v1/jobs/{job_id}/events", headers=SECOND) as stream:
        lines = stream.iter_lines()
        next(lines)
        http.post(f"/v1/jobs/{job_id}/cancel", headers=FIRST).raise_for_status()
        told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert told[-1]["status"] == Status.CANCELED


def test_a_stream_of_all_goes_on_at_the_other_where_it_was(http: httpx.Client) -> None:
    reset = events_of(http, FIRST, "")
    assert reset["event"] == "reset"
    job_id = submitted(http)
    event = events_of(http, SECOND, reset["id"])
    assert (event["event"], json.loads(event["data"])["id"]) == ("job", job_id)


def events_of(http: httpx.Client, turn: dict[str, str], after: str) -> dict[str, str]:
    """Return the first event that a stream tells."""
    headers = {**turn, "Last-Event-ID": after} if after else turn
    event: dict[str, str] = {}
    with http.stream("GET", "/v1/events", params={"types": "job"}, headers=headers) as stream:
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                event = {}
            event[name] = value
            if not line and "event" in event:
                break
    return event


def test_one_idempotency_key_makes_one_job_wherever_it_is_sent(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": "once-and-again"}
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(http.post, "/v1/jobs", json=GENERATE, headers=headers) for _ in range(8)]
        answers = [each.result() for each in sent]
    assert {answer.headers[TURN] for answer in answers} == {"0", "1"}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1


def test_what_one_deletes_is_gone_at_the_other(http: httpx.Client, worker: FakeWorker) -> None:
    job_id = submitted(http)
    worker.run(job_id)
    assert http.delete(f"/v1/jobs/{job_id}", headers=FIRST).status_code == httpx.codes.NO_CONTENT
    assert http.get(f"/v1/jobs/{job_id}", headers=SECOND).status_code == httpx.codes.GONE


def test_a_key_that_one_made_opens_the_other_at_once(
    http: httpx.Client, module_server: EmbeddedServer, folder: Path, settings: dict[str, str]
) -> None:
    """The other is one that no clock and no open stream has read the keys again."""
    app = "tests.support.http.keys_kept:create()"
    with loopback_gunicorn(module_server.url, folder / "other", app=app, **settings) as other:
        other.http.get("/v1/jobs", headers=bearer(ADMIN)).raise_for_status()  # it has read the keys
        fresh = bearer(created(http, "fresh"))
        assert other.http.get("/v1/keys/self", headers=fresh).status_code == httpx.codes.OK


def created(http: httpx.Client, name: str) -> str:
    answer = http.post("/v1/keys", json={"name": name, "owner": "anonymous"}, headers=FIRST)
    return str(answer.raise_for_status().json()["key"])


def test_a_key_that_one_revokes_ends_at_the_other(http: httpx.Client) -> None:
    key = created(http, "short")
    with http.stream("GET", "/v1/events", headers=SECOND | bearer(key)) as stream:
        lines = stream.iter_lines()
        next(lines)
        http.delete(f"/v1/keys/{KeyText.read(key).id}", headers=FIRST).raise_for_status()
        began = time.monotonic()
        assert all("deleted" not in line for line in lines)  # until it ends
    assert time.monotonic() - began < REVOKED_SECONDS
    assert http.get("/v1/jobs", headers=SECOND | bearer(key)).status_code == httpx.codes.UNAUTHORIZED


def test_a_pause_at_one_is_the_reason_at_the_other(http: httpx.Client) -> None:
    pause = http.post("/v1/pauses", json={"lane": "bulk", "reason": "a test"}, headers=FIRST).json()
    job_id = submitted(http, lane="bulk")
    assert http.get(f"/v1/jobs/{job_id}", headers=SECOND).json()["queue"]["reason"] == "paused"
    assert http.delete(f"/v1/pauses/{pause['id']}", headers=SECOND).is_success
    assert http.get(f"/v1/jobs/{job_id}", headers=FIRST).json()["queue"]["reason"] != "paused"


def test_pages_of_a_list_come_from_either(http: httpx.Client) -> None:
    ids = [submitted(http, metadata={"in": "pages"}) for _ in range(5)]
    found, turns, query = [], set(), {"metadata": "in=pages", "limit": "1"}
    while True:
        answer = http.get("/v1/jobs", params=query)
        found += [job["id"] for job in answer.json()["data"]]
        turns.add(answer.headers[TURN])
        if not (cursor := answer.json()["next_cursor"]):
            break
        query["cursor"] = cursor
    assert found == ids[::-1]
    assert turns == {"0", "1"}


def test_a_batch_is_filled_and_read_by_turns(http: httpx.Client, worker: FakeWorker) -> None:
    batch_id = http.post("/v1/batches", json={"open": True}, headers=FIRST).raise_for_status().json()["id"]
    for first, turn in enumerate((FIRST, SECOND, FIRST)):
        http.post(
            f"/v1/batches/{batch_id}/items",
            params={"first": first},
            content=json.dumps(GENERATE),
            headers={**turn, "Content-Type": "application/x-ndjson"},
        ).raise_for_status()
    http.post(f"/v1/batches/{batch_id}/finalize", headers=SECOND).raise_for_status()
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(http.get, f"/v1/batches/{batch_id}", params=WAIT, headers=FIRST)
        for item in http.get(f"/v1/batches/{batch_id}/items", headers=SECOND).json()["data"]:
            worker.run(item["id"])
        assert asked.result().json()["counts"]["succeeded"] == 3


def test_a_file_and_a_signed_address_of_one_are_read_at_the_other(
    http: httpx.Client, worker: FakeWorker
) -> None:
    files = {"file": ("photo.png", png(32, 24), "image/png")}
    file = http.post("/v1/files", files=files, headers=FIRST).json()
    assert http.get(f"/v1/files/{file['id']}/content", headers=SECOND).content == png(32, 24)
    job_id = submitted(http)
    worker.run(job_id)
    shown = http.get(f"/v1/jobs/{job_id}", headers=FIRST).json()
    unsigned = httpx.get(shown["outputs"][0]["url"], headers=SECOND)
    assert unsigned.status_code == httpx.codes.OK
    assert unsigned.content.startswith(b"\x89PNG")


def test_requests_are_counted_together(http: httpx.Client) -> None:
    key = bearer(created(http, "counted"))
    left = [
        int(http.get("/v1/jobs", headers=key | turn).headers["RateLimit"].split("r=")[1].split(";")[0])
        for turn in (FIRST, SECOND, FIRST, SECOND)
    ]
    assert left == list(range(left[0], left[0] - 4, -1))
