"""Connections that ask for little and hold on: everybody else is served, and the holders have to go."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from atelier.local.processes import ROOT
from atelier.local.redis_server import EmbeddedServer
from bench.service.attackers import ATTACKS
from shared.redis.client import Client, connect
from tests.support.http.gunicorn_server import Gunicorn, running_gunicorn
from tests.support.http.raw_http import RawConnection
from tests.support.images.pictures import png
from tests.support.waiting import eventually

REQUESTS = 100
CLIENTS = 8
PATIENCE_SECONDS = 5.0
HASTY = "tests.support.http.hasty_gunicorn"


@pytest.fixture(scope="module")
def gunicorn(module_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    with running_gunicorn(module_server.url, tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture(scope="module")
def store(module_server: EmbeddedServer) -> Iterator[Client]:
    with connect(module_server.url) as client:
        yield client


@contextmanager
def attacked(attack: str, address: Path, path: str = "/") -> Iterator[None]:
    command = [sys.executable, "-m", "bench.service.attackers", attack, str(address), path]
    with subprocess.Popen(command, cwd=ROOT) as attackers:
        yield
        attackers.terminate()


def connections_of(gunicorn: Gunicorn) -> int:
    """Return how many connections the server has accepted and not closed."""
    sockets = Path(f"/proc/{gunicorn.pids()[1]}/fd").iterdir()
    return sum(1 for each in sockets if each.is_socket())


def ask(gunicorn: Gunicorn, path: str) -> list[int]:
    """Have several clients make requests; return the statuses."""
    transport = httpx.HTTPTransport(uds=str(gunicorn.socket))
    client = httpx.Client(transport=transport, base_url="http://atelier", timeout=PATIENCE_SECONDS)
    with client, ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(lambda _: client.get(path).status_code, range(REQUESTS)))


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_all_others_are_served_while_an_attack_goes_on(gunicorn: Gunicorn, attack: str) -> None:
    job = gunicorn.http.post("/v1/jobs", json={"type": "generate"}).json()["urls"]["self"]
    path = httpx.URL(job).path
    picture = gunicorn.http.post("/v1/files", files={"file": ("a.png", png(700, 700))}).json()["id"]
    wanted = f"{path}/events" if "streams" in attack else f"/v1/files/{picture}/content"
    wanted = "/v1/events" if "all events" in attack else wanted
    with attacked(attack, gunicorn.socket, wanted):
        eventually(lambda: connections_of(gunicorn) > ATTACKS[attack][1])
        assert ask(gunicorn, path) == [200] * REQUESTS
    assert gunicorn.http.get("/healthz").status_code == 200


@pytest.fixture
def hasty(server: EmbeddedServer, tmp_path: Path) -> Iterator[Gunicorn]:
    """A server with deadlines of a second, for ten connections."""
    few = {"ATELIER_API_CONNECTIONS": "10"}
    with running_gunicorn(server.url, tmp_path, config=HASTY, **few) as running:
        assert running.http.get("/healthz").status_code == 200  # it listens before it serves
        yield running


HEAD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize("begun", [b"", HEAD, HEAD + b"X: ", HEAD + b"\r\n" + HEAD])
def test_a_request_whose_headers_do_not_come_is_given_up(hasty: Gunicorn, begun: bytes) -> None:
    with RawConnection(hasty.socket) as connection:
        connection.send(begun)
        whole = begun.endswith(HEAD) and begun != HEAD
        assert connection.response().status == (200 if whole else 0)
        assert connection.ended()


@pytest.mark.parametrize("length", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
def test_a_body_that_does_not_come_is_refused(hasty: Gunicorn, length: bytes) -> None:
    with RawConnection(hasty.socket) as connection:
        head = b"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        connection.send(head + length + b"\r\n\r\n")
        response = connection.response()
        assert (response.status, response.json["code"]) == (400, "bad_request")
        assert connection.ended()


def test_new_connections_are_served_where_silent_ones_take_all_places(hasty: Gunicorn) -> None:
    silent = [RawConnection(hasty.socket) for _ in range(30)]
    assert ask(hasty, "/healthz") == [200] * REQUESTS
    for connection in silent:
        connection.__exit__()
