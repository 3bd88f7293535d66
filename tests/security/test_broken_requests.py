"""Requests that are not written as HTTP demands are a client's fault, and end the connection."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from atelier.local.redis_server import EmbeddedServer
from shared.redis.client import Client, connect
from tests.support.http.gunicorn_server import Gunicorn, LoopbackGunicorn, running_gunicorn
from tests.support.http.raw_http import Place, RawConnection, ask

CHUNK = b'13\r\n{"type":"generate"}\r\n'
TYPES = {
    "/v1/jobs": "application/json",
    "/v1/batches": "application/jsonl",
    "/v1/jobs/generate": "application/x-www-form-urlencoded",
    "/v1/files": "multipart/form-data; boundary=x",
    "/nowhere": "application/json",
}
HASTY = "tests.support.http.hasty_gunicorn"


@pytest.fixture(scope="module")
def hasty(module_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    """A server with deadlines of a second."""
    with running_gunicorn(module_server.url, tmp_path_factory.mktemp("api"), config=HASTY) as running:
        running.http.get("/healthz", timeout=60)
        yield running


@pytest.fixture
def store(module_server: EmbeddedServer) -> Iterator[Client]:
    with connect(module_server.url) as client:
        yield client


def hosts(*lines: bytes, version: bytes = b"1.1") -> bytes:
    return b"GET /healthz HTTP/" + version + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


HOSTS = {
    "none": hosts(),
    "two": hosts(b"Host: localhost", b"Host: localhost"),
    "two that differ": hosts(b"Host: localhost", b"hOsT: evil.example"),
    "two, the second empty": hosts(b"Host: localhost", b"Host:"),
    "two in HTTP/1.0": hosts(b"Host: localhost", b"Host: localhost", version=b"1.0"),
    "two in one": hosts(b"Host: localhost, evil.example"),
    "an empty one": hosts(b"Host:"),
    "blanks alone": hosts(b"Host:  \t "),
    "a blank within": hosts(b"Host: local host"),
    "a blank before the colon": hosts(b"Host : localhost"),
    "a folded one": hosts(b"Host:", b" localhost"),
}


@pytest.mark.parametrize("name", HOSTS)
def test_a_request_has_one_host(hasty: Gunicorn, service: LoopbackGunicorn, name: str) -> None:
    places: tuple[Place, ...] = (hasty.socket, service.address)
    for place in places:
        response = ask(place, HOSTS[name])
        assert (response.status, response.json["code"]) == (400, "bad_request")


def test_an_old_client_need_not_name_a_host(hasty: Gunicorn, service: LoopbackGunicorn) -> None:
    places: tuple[Place, ...] = (hasty.socket, service.address)
    assert [ask(place, hosts(version=b"1.0")).status for place in places] == [200, 200]


def trailers(text: bytes) -> bytes:
    return CHUNK + b"0\r\n" + text


BODIES = {
    "a trailer without a colon": trailers(b"nonsense\r\n\r\n"),
    "a blank in a trailer's name": trailers(b"X y: z\r\n\r\n"),
    "NUL in a trailer": trailers(b"X: a\0b\r\n\r\n"),
    "a folded trailer": trailers(b"X: a\r\n b\r\n\r\n"),
    "line ends of one sign": trailers(b"X: a\n\n"),
    "a last chunk's line end of one sign": CHUNK + b"0\n\n",
    "a trailer that is cut off": trailers(b"X: a"),
    "no end of the trailers": trailers(b""),
    "a trailer without an end": trailers(b"X: " + b"a" * 2_000_000),
    "a trailer of 9000 bytes": trailers(b"X: " + b"a" * 9000 + b"\r\n\r\n"),
    "200 trailers": trailers(b"X: a\r\n" * 200 + b"\r\n"),
    "a trailer that frames": trailers(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "a chunk-size line without an end": b"0" * 2_000_000,
    "an extension without an end": b"5;" + b"a" * 2_000_000,
    "a chunk of 2 ** 4000 bytes": b"f" * 1000 + b"\r\nhello",
    "a size with a sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "a size with an underscore": b"1_0\r\nhello\r\n0\r\n\r\n",
    "a size with a prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a size with a blank": b"5 \r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "no line end after a chunk": b"5\r\nhello0\r\n\r\n",
}


def post(path: str, chunks: bytes) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: a", f"Content-Type: {TYPES[path]}", "Transfer-Encoding: chunked")
    return "\r\n".join([*lines, "", ""]).encode() + chunks


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("path", TYPES)
def test_a_damaged_chunk_is_a_fault_of_the_client(
    hasty: Gunicorn, store: Client, path: str, name: str
) -> None:
    response = ask(hasty.socket, post(path, BODIES[name]))
    assert response.status == (404 if path == "/nowhere" else 400), response.body
    assert not store.exists("atelier:owner:anonymous:jobs", "atelier:owner:anonymous:batches")


@pytest.mark.parametrize("begun", [b"", b"5", b"5;a=", CHUNK, trailers(b"X: "), trailers(b"X: a\r\n")])
def test_chunks_that_do_not_go_on_are_given_up(hasty: Gunicorn, begun: bytes) -> None:
    with RawConnection(hasty.socket) as connection:
        connection.send(post("/v1/jobs", begun))
        response = connection.response()
        assert (response.status, response.json["code"]) == (400, "bad_request")
        assert connection.ended()


def test_nothing_behind_a_damaged_chunk_is_a_request(hasty: Gunicorn) -> None:
    with RawConnection(hasty.socket) as connection:
        connection.send(post("/v1/jobs", b"5\r\nhelloXX\r\n") + hosts(b"Host: a") * 3)
        assert connection.response().status == 400
        assert connection.ended()


def test_it_is_no_error_of_the_service(hasty: Gunicorn) -> None:
    log = Path(hasty.log).read_text("utf-8")
    assert "Traceback" not in log
    assert "ERROR" not in log


def test_what_is_sound_is_read(hasty: Gunicorn) -> None:
    response = ask(hasty.socket, post("/v1/jobs", trailers(b"X-Checksum: 1\r\n\r\n")))
    assert response.status == 202
