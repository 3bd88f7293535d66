"""What proxies say of a client is believed from as many as the operator has named, and from nobody else."""

from typing import Any

import httpx
import pytest

from tests.support.http.gunicorn_server import Gunicorn, LoopbackGunicorn

CLAIMED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Protocol": "ssl",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-Host": "pictures.example",
    "X-Forwarded-Port": "444",
    "X-Forwarded-Prefix": "/elsewhere",
    "X-Forwarded-For": "203.0.113.9",
    "X-Script-Name": "/elsewhere",
    "Forwarded": 'for=203.0.113.9;host="pictures.example";proto=https',
}
WSGI = {"SCRIPT_NAME": "/v1", "Script-Name": "/v1", "PATH_INFO": "/docs", "REMOTE_USER": "admin"}


def links(response: httpx.Response) -> list[str]:
    """Return every address that a response gives."""
    found: list[str] = [response.headers["Location"]]

    def gather(value: Any) -> None:
        if isinstance(value, dict):
            for part in value.values():
                gather(part)
        elif isinstance(value, str) and "/v1/" in value:
            found.append(value)

    gather(response.json())
    return found


@pytest.mark.parametrize("header", [*CLAIMED, *WSGI])
def test_nobody_is_believed_without_the_setting(service: LoopbackGunicorn, header: str) -> None:
    value = {**CLAIMED, **WSGI}[header]
    response = service.http.post("/v1/jobs/generate", data={"seed": "7"}, headers={header: value})
    assert response.status_code == 202
    assert [link for link in links(response) if not link.startswith(f"{service.url}/v1/")] == []


@pytest.mark.parametrize("headers", [CLAIMED, WSGI, {"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "off"}])
def test_nor_over_a_unix_socket(unix_service: Gunicorn, headers: dict[str, str]) -> None:
    response = unix_service.http.post("/v1/jobs/generate", data={"seed": "7"}, headers=headers)
    assert response.status_code == 202
    assert [link for link in links(response) if not link.startswith("http://atelier/v1/")] == []


def test_links_follow_one_trusted_proxy(proxied_service: LoopbackGunicorn) -> None:
    forwarded = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "pictures.example",
        "X-Forwarded-Prefix": "/atelier",
    }
    response = proxied_service.http.post("/v1/jobs/generate", data={"seed": "7"}, headers=forwarded)
    home = "https://pictures.example/atelier"
    assert [link for link in links(response) if not link.startswith(f"{home}/v1/")] == []
    missing = proxied_service.http.get("/v1/jobs/job_none", headers=forwarded).json()
    assert missing["type"] == "/atelier/problems/job_not_found"
    explained = proxied_service.http.get("/problems/job_not_found", headers=forwarded)
    assert explained.headers["Location"] == "/atelier/docs#problem-job_not_found"


def test_a_client_that_goes_round_the_proxy_has_plain_links(proxied_service: LoopbackGunicorn) -> None:
    plain = proxied_service.http.post("/v1/jobs/generate", data={"seed": "7"})
    assert plain.headers["Location"].startswith(f"{proxied_service.url}/v1/")


def test_what_the_client_wrote_before_the_proxy_counts_for_nothing(proxied_service: LoopbackGunicorn) -> None:
    forwarded = {"X-Forwarded-Proto": "ftp, https", "X-Forwarded-Host": "evil.example, pictures.example"}
    response = proxied_service.http.post("/v1/jobs/generate", data={"seed": "7"}, headers=forwarded)
    assert response.headers["Location"].startswith("https://pictures.example/v1/")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Host": "pictures.example, evil.example"},
        {"Host": "evil.example", "X-Forwarded-Host": "pictures.example"},
    ],
)
def test_a_foreign_name_comes_through_no_proxy(
    proxied_service: LoopbackGunicorn, headers: dict[str, str]
) -> None:
    assert proxied_service.http.get("/v1/jobs", headers=headers).status_code == 421


def test_a_page_behind_the_proxy_is_the_services_own(proxied_service: LoopbackGunicorn) -> None:
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "pictures.example"}

    def status(origin: str) -> int:
        headers = {**forwarded, "Origin": origin}
        return proxied_service.http.post("/v1/jobs/generate", data={"seed": "7"}, headers=headers).status_code

    assert status("https://pictures.example") == 202
    assert status("http://pictures.example") == 403
    assert status(proxied_service.url) == 403
