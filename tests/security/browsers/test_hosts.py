"""DNS rebinding: a page makes its own name mean this machine, and so reads the service as its own origin."""

import pytest

from tests.support.http.gunicorn_server import Gunicorn, LoopbackGunicorn
from tests.support.http.raw_http import ask

FOREIGN = [
    "evil.example",
    "evil.example:8480",
    "localhost.evil.example",
    "evil-localhost",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io",
    "127.1",
    "2130706433",
    "0x7f000001",
    "api",
    "xn--lcalhost-73a",
    "metadata.google.internal",
]
KNOWN = [
    "localhost",
    "LocalHost:8480",
    "localhost.",
    "127.0.0.1",
    "127.0.0.1:8480",
    "[::1]",
    "[::1]:8480",
    "192.168.1.20:8480",
    "[fd00::20]",
    "0.0.0.0:8480",
]
MALFORMED = ["a:b:c", "[::1", "a b", "localhost:", "localhost:x", "user@localhost", "localhost/", "a,b", "[]"]


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_name_is_misdirected(service: LoopbackGunicorn, host: str) -> None:
    response = service.http.get("/v1/webhooks/secret", headers={"Host": host})
    problem = response.json()
    assert (response.status_code, problem["code"]) == (421, "unknown_host")
    assert "ATELIER_API_KNOWN_HOSTS" in problem["detail"]


@pytest.mark.parametrize("host", KNOWN)
def test_addresses_and_the_loopback_name_are_known(service: LoopbackGunicorn, host: str) -> None:
    assert service.http.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", MALFORMED)
def test_a_malformed_host_is_a_bad_request(service: LoopbackGunicorn, host: str) -> None:
    response = service.http.get("/healthz", headers={"Host": host})
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET http://localhost/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET /healthz HTTP/1.0\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),  # as simple health checks ask; no browser does
    ],
)
def test_requests_without_host_or_with_two(service: LoopbackGunicorn, head: bytes, status: int) -> None:
    assert ask(service.address, head).status == status


def test_a_clients_own_header_is_no_way_round(service: LoopbackGunicorn) -> None:
    for name in ("X-Forwarded-Host", "Forwarded", "X-Host", "X-Original-Host"):
        headers = {"Host": "evil.example", name: "host=localhost" if name == "Forwarded" else "localhost"}
        assert service.http.get("/v1/jobs", headers=headers).status_code == 421


def test_names_that_the_operator_gives_are_known(configured_service: LoopbackGunicorn) -> None:
    known = ["api:8480", "studio.lan", "public.example", "a.pictures.example", "xn--bcher-kva.example"]

    def status(host: str) -> int:
        return configured_service.http.get("/healthz", headers={"Host": host}).status_code

    assert [status(host) for host in known] == [200] * len(known)
    assert [status(host) for host in ("lan", "apis", "public.example.evil.example")] == [421] * 3


def test_over_a_unix_socket_any_name_goes(unix_service: Gunicorn) -> None:
    """No browser reaches one, and programs make up the name that they have to send."""
    assert unix_service.http.get("/healthz", headers={"Host": "whatever"}).status_code == 200
