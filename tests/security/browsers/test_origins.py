"""Cross-site request forgery: any page may send requests to this machine, without reading the answers."""

import pytest

from tests.support.http.gunicorn_server import LoopbackGunicorn

FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost:3000"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "file://"},
    {"Origin": "chrome-extension://abcdefgh"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "something-new"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "null", "Sec-Fetch-Site": "none"},
]
SIMPLE = [  # what a page may send without asking first
    ("POST", "/v1/jobs/generate", {"Content-Type": "application/x-www-form-urlencoded"}, b"seed=7"),
    ("POST", "/v1/webhooks/secret/renew", {"Content-Type": "text/plain"}, b""),
    ("POST", "/v1/models/reload", {}, b""),
    ("PUT", "/v1/jobs/mine", {"Content-Type": "application/json"}, b'{"type": "generate"}'),
    ("DELETE", "/v1/styles/waves", {}, b""),
    ("POST", "/nowhere", {}, b""),
]


@pytest.mark.parametrize("foreign", FOREIGN, ids=str)
@pytest.mark.parametrize("asked", SIMPLE, ids=lambda asked: f"{asked[0]} {asked[1]}")
def test_a_foreign_page_changes_nothing(
    service: LoopbackGunicorn,
    asked: tuple[str, str, dict[str, str], bytes],
    foreign: dict[str, str],
) -> None:
    method, path, headers, body = asked
    response = service.http.request(method, path, headers={**headers, **foreign}, content=body)
    assert (response.status_code, response.json()["code"]) == (403, "foreign_origin")
    assert "ATELIER_API_ALLOWED_ORIGINS" in response.json()["detail"]


def test_nothing_was_made_by_refused_requests(service: LoopbackGunicorn) -> None:
    before = [service.http.get(path).json() for path in ("/v1/webhooks/secret", "/v1/jobs")]
    for headers in FOREIGN:
        service.http.post("/v1/webhooks/secret/renew", headers=headers)
        service.http.post("/v1/jobs/generate", data={"seed": "7"}, headers=headers)
    assert [service.http.get(path).json() for path in ("/v1/webhooks/secret", "/v1/jobs")] == before


def test_the_services_own_page_and_programs_go_on(service: LoopbackGunicorn) -> None:
    form = {"seed": "7"}
    for headers in (
        {},
        {"Origin": service.url},
        {"Origin": service.url, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},  # typed into the address bar
        {"Host": "localhost", "Origin": "http://localhost"},
        {"Host": "localhost", "Origin": "https://localhost"},  # a proxy that ends TLS and says nothing of it
    ):
        assert service.http.post("/v1/jobs/generate", data=form, headers=headers).status_code == 202


def test_reading_is_answered_and_shown_to_no_foreign_page(service: LoopbackGunicorn) -> None:
    for headers in FOREIGN:
        response = service.http.get("/v1/limits", headers=headers)
        assert response.status_code == 200
        assert not [name for name in response.headers if name.startswith("access-control")]


def test_a_foreign_page_asks_in_vain_whether_it_may(service: LoopbackGunicorn) -> None:
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    response = service.http.request("OPTIONS", "/v1/jobs", headers=asks)
    assert not [name for name in response.headers if name.startswith("access-control")]
