"""GET /v1/events: all changes of an owner's jobs and batches over one connection."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.server.connections import WAITS
from api.services import Services
from atelier.local.redis_server import EmbeddedServer
from shared.access.key import DEFAULT_SCOPES, Scope
from shared.access.store import KeyStore
from tests.support.http.gunicorn_server import running_gunicorn
from tests.support.jobs.fake_worker import FakeWorker

GENERATE = {"type": "generate", "seed": 7}
Told = tuple[str, dict[str, Any]]


class Stream:
    """The events of an open stream, one after the other."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()
        self.last_id = ""

    def next(self) -> Told:
        """Return the next event's kind and data."""
        fields: dict[str, str] = {}
        for line in self._lines:
            name, _, text = line.partition(": ")
            if line == "" and "data" in fields:
                self.last_id = fields["id"]
                return fields["event"], json.loads(fields["data"])
            fields = {} if line == "" else {**fields, name: text}
        raise EOFError

    def until(self, status: str) -> list[Told]:
        """Return the next events up to one of this status."""
        seen = [self.next()]
        while seen[-1][1].get("status") != status:
            seen.append(self.next())
        return seen


@contextmanager
def following(live: httpx.Client, query: str = "", **headers: str) -> Iterator[Stream]:
    with live.stream("GET", f"/v1/events{query}", headers=headers) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield Stream(response)


def submit(live: httpx.Client, **options: Any) -> str:
    return str(live.post("/v1/jobs", json=GENERATE, **options).json()["id"])


def test_a_jobs_life_is_told(live: httpx.Client, worker: FakeWorker) -> None:
    with following(live) as stream:
        assert stream.next() == ("reset", {"reason": "new"})
        job_id = submit(live)
        state = {"id": job_id, "object": "job", "done": False, "progress": None}
        assert stream.next() == ("job", {**state, "status": "queued", "version": 0})
        job = worker.claim(job_id)
        assert stream.next() == ("job", {**state, "status": "running", "version": 1})
        worker.report(job, 0.5)
        kind, told = stream.next()
        assert (kind, told["version"]) == ("job", 2)
        assert told["progress"] == {"stage": "predict", "fraction": 0.5, "step": None, "total": None}
        worker.succeed(job)
        kind, told = stream.next()
        assert (told["status"], told["done"], told["progress"]) == ("succeeded", True, None)
        live.delete(f"/v1/jobs/{job_id}")
        assert stream.next() == ("deleted", {"id": job_id, "object": "job"})


def test_what_goes_to_make_room_is_told_as_such(
    live: httpx.Client, services: Services, worker: FakeWorker
) -> None:
    with following(live) as stream:
        stream.next()
        job_id = submit(live)
        worker.run(job_id)
        stream.until("succeeded")
        services.store.scripts.run("room/reclaim", "0", "old", 0, 1, 0, 50, 60_000)
        assert stream.next() == ("deleted", {"id": job_id, "object": "job", "reason": "reclaimed"})


def test_a_batch_tells_its_counts_and_not_its_items(live: httpx.Client, worker: FakeWorker) -> None:
    with following(live) as stream:
        stream.next()
        items = [{**GENERATE, "seed": number} for number in range(60)]
        batch_id = live.post("/v1/batches", json={"items": items}).json()["id"]
        for index in range(60):
            worker.run(f"job_{batch_id.removeprefix('batch_')}-{index}")
        seen = stream.until("completed")
    assert {kind for kind, _ in seen} == {"batch"}
    assert {told["id"] for _, told in seen} == {batch_id}
    ended = [told["counts"]["succeeded"] for _, told in seen]
    assert ended == sorted(ended)
    assert (seen[-1][1]["done"], ended[-1]) == (True, 60)
    assert len(seen) < 60


def test_a_stream_resumes_where_it_broke_off(live: httpx.Client, worker: FakeWorker) -> None:
    with following(live) as stream:
        stream.next()
        first = submit(live)
        assert stream.next()[1]["id"] == first
    second, third = submit(live), submit(live)
    worker.run(second)
    with following(live, **{"Last-Event-ID": stream.last_id}) as stream:
        told = [stream.next()[1] for _ in range(2)]
        assert [(entry["id"], entry["status"]) for entry in told] == [
            (third, "queued"),
            (second, "succeeded"),
        ]


def test_a_stream_whose_events_are_forgotten_begins_with_a_reset(
    live: httpx.Client, services: Services
) -> None:
    with following(live) as stream:
        stream.next()
    services.store.client.flushdb()
    with following(live, **{"Last-Event-ID": stream.last_id}) as stream:
        assert stream.next() == ("reset", {"reason": "lost"})
        job_id = submit(live)
        assert stream.next()[1]["id"] == job_id


def test_only_what_is_asked_for_is_told(live: httpx.Client) -> None:
    one, other = (live.post("/v1/batches", json={"items": [GENERATE]}).json()["id"] for _ in range(2))
    with following(live, f"?batch={one}") as of_batch, following(live, "?types=job") as of_jobs:
        of_batch.next()
        of_jobs.next()
        for batch in (other, one):
            live.post(f"/v1/batches/{batch}/cancel")
        job_id = submit(live)
        assert of_batch.next()[1]["id"] == one
        assert of_jobs.next()[1]["id"] == job_id


@pytest.fixture
def people(services: Services) -> dict[str, dict[str, str]]:
    """The headers of two owners and an admin."""
    keys = KeyStore(services.store.scripts)
    scopes = {"anna": DEFAULT_SCOPES, "berta": DEFAULT_SCOPES, "chief": frozenset({Scope.ADMIN})}
    return {
        name: {"Authorization": f"Bearer {keys.create(name, owner=name, scopes=some)[1]}"}
        for name, some in scopes.items()
    }


def test_an_owner_is_told_of_its_own_alone_and_an_admin_of_any(
    live: httpx.Client, people: dict[str, dict[str, str]]
) -> None:
    with (
        following(live, **people["anna"]) as hers,
        following(live, "?owner=berta", **people["chief"]) as asked,
    ):
        hers.next()
        asked.next()
        of_berta = submit(live, headers=people["berta"])
        of_anna = submit(live, headers=people["anna"])
        assert hers.next()[1]["id"] == of_anna
        assert asked.next()[1]["id"] == of_berta
    refused = live.get("/v1/events?owner=berta", headers=people["anna"])
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


def test_a_stream_ends_with_its_key(
    live: httpx.Client, services: Services, people: dict[str, dict[str, str]]
) -> None:
    keys = KeyStore(services.store.scripts)
    with following(live, **people["anna"]) as stream:
        stream.next()
        (key,) = [key for key in keys.page().items if key.owner == "anna"]
        keys.revoke(key.id)
        with pytest.raises(EOFError):
            stream.next()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("types=item", 422),
        ("types=", 422),
        ("batch=job_1", 422),
        (f"batch=batch_{'0' * 32}", 404),
        ("sum=1", 422),
    ],
)
def test_a_wrong_question_is_refused(client: FlaskClient, query: str, status: int) -> None:
    response = client.get(f"/v1/events?{query}")
    assert response.status_code == status
    assert query.split("=")[0] in response.json["detail"]


def test_too_many_listeners_are_told_to_poll(app: Flask, client: FlaskClient) -> None:
    while app.extensions[WAITS].take():
        pass
    response = client.get("/v1/events")
    assert (response.status_code, response.json["code"]) == (503, "too_many_listeners")


def test_a_process_that_stops_ends_its_streams(app: Flask, client: FlaskClient) -> None:
    app.extensions[WAITS].stopping = lambda: True
    assert client.get("/v1/events").text == "retry: 2000\n\n"
    assert client.get("/v1/events", headers={"Last-Event-ID": "newest"}).status_code == 400


@pytest.mark.slow
def test_a_stream_resumes_after_the_api_was_killed(
    server: EmbeddedServer, services: Services, worker: FakeWorker, tmp_path: Path
) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    with running_gunicorn(server.url, folders[0]) as first:
        job_id = submit(first.http)
        with following(first.http) as stream:
            assert stream.next()[0] == "reset"
            for pid in first.pids():
                os.kill(pid, signal.SIGKILL)
            with pytest.raises(httpx.RemoteProtocolError):
                stream.next()
    worker.run(job_id)
    where = {"Last-Event-ID": stream.last_id}
    with running_gunicorn(server.url, folders[1]) as second, following(second.http, **where) as resumed:
        kind, told = resumed.next()
        assert (kind, told["id"], told["status"]) == ("job", job_id, "succeeded")


def test_a_stream_ends_in_time(services: Services) -> None:
    api = services.settings.api.model_copy(update={"max_stream_seconds": 0.1})
    settings = services.settings.model_copy(update={"api": api})
    client = create_app(replace(services, settings=settings)).test_client()
    assert "event: reset" in client.get("/v1/events").text
