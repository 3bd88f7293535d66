"""Walks the route table: what holds for one route holds for all, and so for one that is new."""

import re
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.services import build_services
from shared.settings import Settings
from tests.security.conftest import PAGE
from tests.support.http.gunicorn_server import LoopbackGunicorn

SAFE = {"GET", "HEAD", "OPTIONS"}
VALUES = {"job_id": "job_0", "batch_id": "batch_0", "delivery_id": "msg_0", "index": "0", "code": "not_found"}


def routes() -> list[tuple[str, str]]:
    """Return every method of every route, with a path that leads to it."""
    app = create_app(build_services(Settings(redis_url="unix:///nowhere")))
    rules = app.url_map.iter_rules()
    return [(method, _path(rule.rule)) for rule in rules for method in sorted(rule.methods or ())]


def _path(rule: str) -> str:
    name = "swagger-ui.css" if rule.startswith("/docs/") else "nothing"
    return re.sub(r"<(?:[^:<>]+:)?(\w+)>", lambda match: VALUES.get(match[1], name), rule)


ROUTES = routes()
every_route = pytest.mark.parametrize(("method", "path"), ROUTES, ids=[" ".join(route) for route in ROUTES])


def ask(open_service: LoopbackGunicorn, method: str, path: str, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    response = open_service.http.request(method, path, headers=given)
    check_headers(response)
    return response


def check_headers(response: httpx.Response) -> None:
    """Fail where a response lacks what every response has."""
    headers = response.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] in ("same-origin", "cross-origin")
    assert headers["x-request-id"]
    policy = policy_of(headers["content-security-policy"])
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "sandbox" in policy or headers["content-type"].startswith("text/html")
    assert "unsafe-inline" not in policy.get("script-src", "")
    assert "unsafe-eval" not in headers["content-security-policy"]


def policy_of(text: str) -> dict[str, Any]:
    """Return a Content-Security-Policy by directive."""
    return {part.split()[0]: part.strip().partition(" ")[2] for part in text.split(";") if part.strip()}


def test_the_table_is_walked() -> None:
    assert len(ROUTES) > 100
    assert ("POST", "/v1/webhooks/secret/renew") in ROUTES


@every_route
def test_a_foreign_host_gets_nothing(open_service: LoopbackGunicorn, method: str, path: str) -> None:
    assert ask(open_service, method, path, Host="evil.example").status_code == 421


@every_route
def test_a_foreign_page_changes_nothing(open_service: LoopbackGunicorn, method: str, path: str) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "same-site"}):
        response = ask(open_service, method, path, **headers)
        assert (response.status_code == 403) is (method not in SAFE)
        assert not [name for name in response.headers if name.startswith("access-control")]
        assert response.headers["cross-origin-resource-policy"] == "same-origin"


@every_route
def test_a_named_page_is_let_in(open_service: LoopbackGunicorn, method: str, path: str) -> None:
    response = ask(open_service, method, path, Origin=PAGE, Sec_Fetch_Site="cross-site")
    assert response.status_code not in (403, 421)
    assert response.status_code < 500 or response.status_code == 503
    assert response.headers["access-control-allow-origin"] == PAGE


@every_route
def test_a_program_needs_no_headers(open_service: LoopbackGunicorn, method: str, path: str) -> None:
    assert ask(open_service, method, path).status_code not in (403, 421)


@every_route
def test_the_id_of_a_request_comes_back(open_service: LoopbackGunicorn, method: str, path: str) -> None:
    assert ask(open_service, method, path, X_Request_Id="mine-1").headers["x-request-id"] == "mine-1"
