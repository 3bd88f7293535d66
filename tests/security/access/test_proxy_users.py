"""A proxy names its user in a header: it is believed from the configured addresses, and from nobody else."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.services import Services
from shared.access.exposure import check_exposure
from shared.access.key import DEFAULT_SCOPES, KeyText, Scope
from shared.access.store import KeyStore
from shared.network_settings import ApiSettings, ProxySettings
from shared.redis.client import Client
from shared.settings import Settings, SettingsError
from tests.support.http.openapi_client import CheckedClient
from tests.support.waiting import eventually

PROXY = "10.0.0.5"
SPEC = {"type": "generate", "seed": 7}
BEHIND = ProxySettings(user_header="X-Remote-User", user_from=f"{PROXY}, 2001:db8::5")


def client_with(services: Services, api: ApiSettings | None = None) -> FlaskClient:
    groups: dict[str, Any] = {"proxy": BEHIND, "api": api or services.settings.api}
    app = create_app(replace(services, settings=services.settings.model_copy(update=groups)))
    app.test_client_class = CheckedClient
    return app.test_client()


@pytest.fixture
def client(services: Services) -> FlaskClient:
    return client_with(services)


def ask(
    client: FlaskClient,
    user: str,
    path: str = "/v1/jobs",
    method: str = "GET",
    peer: str = PROXY,
    **parts: Any,
) -> TestResponse:
    headers = {"X-Remote-User": user, **parts.pop("headers", {})}
    overrides = {"REMOTE_ADDR": peer}
    return client.open(path, method=method, headers=headers, environ_overrides=overrides, **parts)


def test_a_user_is_the_owner(client: FlaskClient, services: Services) -> None:
    job = ask(client, "Anna", method="POST", json=SPEC).json["id"]
    assert services.store.get(job, "anna").owner == "anna"
    assert ask(client, "anna", f"/v1/jobs/{job}?wait=0.1").status_code == 200
    assert ask(client, "bert", f"/v1/jobs/{job}").status_code == 404
    assert [one["id"] for one in ask(client, "anna").json["data"]] == [job]


def test_an_event_stream_of_a_user_is_not_broken_off(client: FlaskClient, services: Services) -> None:
    job = ask(client, "anna", method="POST", json=SPEC).json["id"]
    ask(client, "anna", f"/v1/jobs/{job}/cancel", method="POST")
    response = ask(client, "anna", f"/v1/jobs/{job}/events")
    assert b"event: done" in response.data


def reads(server: Client) -> int:
    """Return how often the server was asked for entries of streams; tests share it."""
    return int(server.info("commandstats").get("cmdstat_xread", {"calls": 0})["calls"])


def test_a_user_who_waits_asks_no_more_once_a_key_has_changed(
    client: FlaskClient, services: Services
) -> None:
    job = ask(client, "anna", method="POST", json=SPEC).json["id"]
    server = services.store.client
    earlier = reads(server)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, client, "anna", f"/v1/jobs/{job}?wait=1")
        eventually(lambda: server.info("clients")["blocked_clients"] > 0 or answer.done())
        KeyStore(services.store.scripts).create("bert", owner="bert", scopes=DEFAULT_SCOPES)
        assert answer.result().json["status"] == "queued"
    assert reads(server) - earlier < 20


@pytest.mark.parametrize("peer", ["10.0.0.6", "127.0.0.1", "::1", "10.0.0.50", ""])
def test_from_elsewhere_the_header_is_ignored_and_nobody_is_let_in(client: FlaskClient, peer: str) -> None:
    response = ask(client, "anna", peer=peer)
    assert (response.status_code, response.json["code"]) == (401, "api_key_missing")


@pytest.mark.parametrize("peer", [PROXY, f"::ffff:{PROXY}", "2001:db8::5", "2001:db8:0::5"])
def test_an_address_has_many_spellings(client: FlaskClient, peer: str) -> None:
    assert ask(client, "anna", peer=peer).status_code == 200


def test_what_is_forwarded_makes_nobody_a_proxy(services: Services) -> None:
    client = client_with(services, ApiSettings(trusted_proxies=1))
    forwarded = {"X-Forwarded-For": PROXY}
    assert ask(client, "anna", peer="10.0.0.9", headers=forwarded).status_code == 401
    assert ask(client, "anna", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200


def test_without_a_user_the_proxy_needs_a_key(client: FlaskClient, services: Services) -> None:
    _, text = KeyStore(services.store.scripts).create("shop", owner="shop", scopes=DEFAULT_SCOPES)
    assert ask(client, "").status_code == 401
    key, wrong = ({"Authorization": f"Bearer {one}"} for one in (text, KeyText.new()))
    job = ask(client, "anna", method="POST", json=SPEC, headers=key).json["id"]
    assert services.store.get(job, "shop").owner == "shop"
    assert ask(client, "anna", headers=wrong).status_code == 401
    assert ask(client, "anna", headers={"Authorization": "Basic YTpi"}).status_code == 200


@pytest.mark.parametrize(
    "user", ["anonymous", "Anonymous", "a b", "anna@example.com", "../anna", "a,b", "-a", "a" * 65, "\u00e9"]
)
def test_a_name_that_cannot_be_an_owner_is_refused(client: FlaskClient, user: str) -> None:
    response = ask(client, user)
    assert (response.status_code, response.json["code"]) == (401, "user_refused")
    assert "X-Remote-User cannot be an owner" in response.json["detail"]


def test_a_user_may_submit_and_read_alone(client: FlaskClient) -> None:
    for method, path in (("GET", "/v1/keys"), ("POST", "/v1/keys"), ("POST", "/v1/models/reload")):
        response = ask(client, "anna", path, method=method)
        assert (response.status_code, response.json["code"]) == (403, "scope_missing")
    ask(client, "anna", "/v1/webhooks/secret/renew", method="POST")
    assert ask(client, "anna", "/v1/webhooks/secret").json["secret"] is None


def test_two_headers_are_no_user(client: FlaskClient) -> None:
    headers = [("X-Remote-User", "anna"), ("X-Remote-User", "bert")]
    response = client.get("/v1/jobs", headers=headers, environ_overrides={"REMOTE_ADDR": PROXY})
    assert response.status_code == 401


def test_such_a_service_may_be_reached_by_others(services: Services) -> None:
    api = ApiSettings(host="0.0.0.0")
    keys = KeyStore(services.store.scripts)
    check_exposure(Settings(api=api, proxy=BEHIND), keys)
    with pytest.raises(SettingsError, match="ATELIER_PROXY_USER_FROM"):
        check_exposure(Settings(api=api), keys)


@pytest.mark.parametrize(
    ("header", "addresses"),
    [
        ("X-Remote-User", ""),
        ("", PROXY),
        ("X Remote", PROXY),
        ("X_Remote_User", PROXY),
        ("X-Remote-User", "10.0.0.0/8"),
        ("X-Remote-User", "proxy.lan"),
        ("X-Remote-User", "*"),
    ],
)
def test_half_a_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch, header: str, addresses: str) -> None:
    monkeypatch.setenv("ATELIER_PROXY_USER_HEADER", header)
    monkeypatch.setenv("ATELIER_PROXY_USER_FROM", addresses)
    with pytest.raises(SettingsError, match=r"^ATELIER_PROXY"):
        Settings.from_env()


def test_scopes_are_those_of_a_new_key() -> None:
    assert {Scope.SUBMIT, Scope.READ} == DEFAULT_SCOPES
