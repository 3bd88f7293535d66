"""The application under gunicorn, as it runs for real."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from atelier.local.redis_server import EmbeddedServer
from shared.redis.client import Client
from tests.support.http.gunicorn_server import Gunicorn, running_gunicorn
from tests.support.http.scripted_server import Reply, scripted_server
from tests.support.http.served import served
from tests.support.images.pictures import png
from tests.support.processes import resident_mebibytes
from tests.support.waiting import eventually

MAX_RESIDENT_MEBIBYTES = 150


@pytest.fixture
def gunicorn(server: EmbeddedServer, redis_client: Client, tmp_path: Path) -> Iterator[Gunicorn]:
    with running_gunicorn(server.url, tmp_path) as running:
        yield running


def test_a_stop_ends_streams_and_waits_at_once(gunicorn: Gunicorn) -> None:
    job = gunicorn.http.post("/v1/jobs", json={"type": "generate"}).json()
    with gunicorn.http.stream("GET", f"/v1/jobs/{job['id']}/events") as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith("event")) == "event: state"
        gunicorn.process.send_signal(signal.SIGTERM)
        rest = [line for line in lines if line.startswith("event")]
    assert rest == []
    assert gunicorn.process.wait(timeout=8) == 0


def test_a_body_over_the_limit_is_refused_before_it_is_read(gunicorn: Gunicorn) -> None:
    files = {"file": ("big.png", bytes(8 * 1024 * 1024))}
    response = gunicorn.http.post("/v1/files", files=files)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert gunicorn.http.get("/healthz").status_code == 200


@pytest.mark.parametrize("size", [10, 100_000, 3_000_000])
def test_a_connection_serves_on_after_a_refused_body(gunicorn: Gunicorn, size: int) -> None:
    for _ in range(5):
        refused = gunicorn.http.post("/v1/jobs", content=bytes(size), headers={"Content-Type": "text/plain"})
        assert refused.status_code == 415
        assert gunicorn.http.get("/healthz", timeout=5).status_code == 200


@pytest.fixture
def bucket() -> Iterator[str]:
    """An S3 server that takes objects; yields its address."""
    objects: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            path = self.path.partition("?")[0]
            if self.command == "PUT":
                objects[path] = self.rfile.read(int(self.headers["Content-Length"]))
            data = b"" if self.command == "PUT" else objects.get(path, b"")
            self.send_response(200 if path in objects else 404)
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Sun, 29 Nov 2026 12:00:00 GMT")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for method in ("GET", "HEAD", "PUT"):
        setattr(Handler, f"do_{method}", Handler.answer)
    with served(Handler) as port:
        yield f"http://127.0.0.1:{port}"


def test_a_bucket_serves_the_process_that_was_forked(
    server: EmbeddedServer, tmp_path: Path, bucket: str
) -> None:
    """What checks it at the start must leave no threads behind: the fork has none of them, and would hang."""
    url = f"s3://id:secret@pictures?endpoint={bucket}"
    with running_gunicorn(server.url, tmp_path, ATELIER_STORAGE_URL=url) as gunicorn:
        stored = gunicorn.http.post("/v1/files", files={"file": png(32, 24)})
        assert stored.is_success, stored.text


@pytest.mark.slow
def test_a_process_that_hangs_is_replaced(gunicorn: Gunicorn) -> None:
    assert gunicorn.http.get("/healthz").status_code == 200  # gunicorn watches from the first turn on
    _, hung = gunicorn.pids()
    os.kill(hung, signal.SIGSTOP)
    eventually(lambda: hung not in gunicorn.pids() and len(gunicorn.pids()) == 2)
    assert gunicorn.http.get("/healthz").status_code == 200


def test_requests_that_fetch_pictures_hold_up_nobody(server: EmbeddedServer, tmp_path: Path) -> None:
    """Eight wait for slow pictures at once, while another request is answered."""
    released = threading.Event()

    def slowly() -> Iterator[bytes]:
        released.wait(20)
        yield png()

    private = {"ATELIER_FETCH_ALLOW_PRIVATE": "true"}
    with scripted_server() as web, running_gunicorn(server.url, tmp_path, **private) as running:
        web.replies |= {f"/{number}": Reply(pieces=slowly) for number in range(8)}
        jobs = [{"type": "stylize", "content": f"{web.url}/{number}"} for number in range(8)]
        jobs = [job | {"styles": [{"image": job["content"]}]} for job in jobs]
        with ThreadPoolExecutor(8) as pool:
            responses = pool.map(lambda job: running.http.post("/v1/jobs", json=job), jobs)
            eventually(lambda: len(web.asked) == len(jobs))
            assert running.http.get("/v1/jobs").json()["data"] == []
            released.set()
            assert [response.status_code for response in responses] == [202] * len(jobs)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_the_processes_stay_small(gunicorn: Gunicorn) -> None:
    for _ in range(50):
        gunicorn.http.post("/v1/jobs", json={"type": "generate"})
        gunicorn.http.get("/v1/jobs")
    assert sum(resident_mebibytes(pid) for pid in gunicorn.pids()) <= MAX_RESIDENT_MEBIBYTES
