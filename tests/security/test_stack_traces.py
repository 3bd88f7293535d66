"""What goes wrong inside is told in the log and to no client."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from atelier.local.redis_server import EmbeddedServer
from tests.security import faulty_app
from tests.support.http.gunicorn_server import LoopbackGunicorn, loopback_gunicorn
from tests.support.http.raw_http import RawConnection

SIGNS = (b"Traceback", b"RuntimeError", b"File ", b".py", faulty_app.SECRET.encode())


@pytest.fixture(scope="module")
def faulty(module_server: EmbeddedServer, folder: Path) -> Iterator[LoopbackGunicorn]:
    """The service with faults, under the setting with which Flask by itself shows most."""
    app = "tests.security.faulty_app:create()"
    with loopback_gunicorn(module_server.url, folder / "faulty", app=app, FLASK_DEBUG="1") as running:
        yield running


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("path", ["early", "late", "sent"])
def test_no_trace_leaves(faulty: LoopbackGunicorn, method: str, path: str) -> None:
    request = f"{method} /faults/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with RawConnection(faulty.address) as connection:
        connection.send(request.encode())
        sent = connection.rest()
    assert sent
    assert not [sign for sign in SIGNS if sign in sent]


def test_the_log_has_the_trace_and_the_client_the_id(faulty: LoopbackGunicorn) -> None:
    response = faulty.http.get("/faults/early", headers={"X-Request-Id": "find-me"})
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert response.json()["request_id"] == response.headers["x-request-id"] == "find-me"
    log = faulty.log.read_text("utf-8")
    assert faulty_app.SECRET in log
    assert "find-me" in log
