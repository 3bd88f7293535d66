"""Who may make a request: every route of the table, with no key, a wrong one, one without the scope."""

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from api.app import create_app
from api.auth import KEYS, rule_of
from api.services import Services
from shared.access.key import DEFAULT_SCOPES, KeyText, Scope
from shared.access.store import KeyStore
from shared.network_settings import AccessSettings, ApiSettings, RateSettings
from tests.support.http.openapi_client import CheckedClient
from tests.support.jobs.fake_worker import FakeWorker

ALL_SCOPES = frozenset(Scope) - {Scope.ADMIN}
OPEN = {"health.healthz", "health.readyz", "about.openapi", "about.docs", "about.docs_asset",
        "about.explain_problem", "page.home", "page.web_file"}  # fmt: skip


@pytest.fixture
def keys(services: Services) -> KeyStore:
    return KeyStore(services.store.scripts)


def bearer(text: object) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def key_with(keys: KeyStore, *scopes: Scope, owner: str = "anna") -> dict[str, str]:
    """Return the header with a new key."""
    return bearer(keys.create(owner, owner=owner, scopes=frozenset(scopes))[1])


def routes(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Yield every rule, with each of its methods and a path that leads to it."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<int:\w+>", "0", rule.rule)
        path = re.sub(r"<any\('([^']+)'.*>", r"\1", path)
        path = re.sub(r"<\w+>", "unknown", path)
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield rule, method, path


def guarded(app: Flask) -> list[tuple[str, str, Scope]]:
    """Return method, path and scope of every route that needs a key."""
    found = [(method, path, rule_of(app.view_functions[rule.endpoint])) for rule, method, path in routes(app)]
    return [(method, path, rule.scope) for method, path, rule in found if rule and rule.scope]


def test_every_route_says_who_may_call_it(app: Flask) -> None:
    rules = {rule.endpoint: rule_of(app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules()}
    assert not [endpoint for endpoint, rule in rules.items() if rule is None]
    assert {endpoint for endpoint, rule in rules.items() if rule and rule.scope is None} == OPEN
    assert all(rule.why_open for rule in rules.values() if rule and rule.scope is None)


def test_a_route_without_a_rule_is_an_admins(services: Services, keys: KeyStore) -> None:
    app = create_app(services)
    app.add_url_rule("/v1/forgotten", "forgotten", lambda: "secret")
    client = app.test_client()
    headers = key_with(keys, *ALL_SCOPES)
    assert client.get("/v1/forgotten").status_code == 401
    assert client.get("/v1/forgotten", headers=headers).status_code == 403


def test_without_a_key_every_guarded_route_is_a_401(app: Flask, client: FlaskClient, keys: KeyStore) -> None:
    key_with(keys, Scope.READ)
    for method, path, _ in guarded(app):
        response = client.open(path, method=method)
        assert response.status_code == 401, f"{method} {path}"
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="atelier"'


def test_the_methods_of_a_route_are_told_to_those_with_a_key(app: Flask, keys: KeyStore) -> None:
    app.test_client_class = FlaskClient
    client = app.test_client()
    headers = key_with(keys, Scope.READ)
    assert client.options("/v1/jobs").status_code == 401
    assert "GET" in client.options("/v1/jobs", headers=headers).headers.get("Allow", "GET")


def test_a_key_without_the_scope_is_a_403(app: Flask, client: FlaskClient, keys: KeyStore) -> None:
    headers = {scope: key_with(keys, *(ALL_SCOPES - {scope})) for scope in Scope}
    for method, path, scope in guarded(app):
        response = client.open(path, method=method, headers=headers[scope])
        assert response.status_code == 403, f"{method} {path}"
        challenge = response.headers["WWW-Authenticate"]
        assert 'error="insufficient_scope"' in challenge
        assert f'scope="{scope}"' in challenge


def test_a_key_with_the_scope_alone_is_let_in(app: Flask, client: FlaskClient, keys: KeyStore) -> None:
    headers = {scope: key_with(keys, scope) for scope in Scope}
    for method, path, scope in guarded(app):
        response = client.open(path, method=method, headers=headers[scope])
        assert response.status_code not in (401, 403, 500), f"{method} {path}"


def wrong_headers(keys: KeyStore, anna: KeyText) -> dict[str, str | None]:
    expired, text = keys.create("late", owner="anna", scopes=DEFAULT_SCOPES, expires_seconds=1)
    assert expired.expires_at
    revoked, revoked_text = keys.create("gone", owner="anna", scopes=DEFAULT_SCOPES)
    keys.revoke(revoked.id)
    time.sleep(1.01)
    return {
        "another secret": f"Bearer {KeyText(anna.id, '0' * 64)}",
        "unknown": f"Bearer {KeyText.new()}",
        "expired": f"Bearer {text}",
        "revoked": f"Bearer {revoked_text}",
        "no key": "Bearer",
        "half a key": f"Bearer atl_{anna.id}",
        "two keys": f"Bearer {anna}, Bearer {anna}",
        "quoted": f'Bearer "{anna}"',
        "more": f"Bearer {anna} x",
    }


def test_a_wrong_key_is_refused_with_the_error_of_the_standard(client: FlaskClient, keys: KeyStore) -> None:
    _, anna = keys.create("anna", owner="anna", scopes=DEFAULT_SCOPES)
    for what, header in wrong_headers(keys, anna).items():
        response = client.get("/v1/jobs", headers={"Authorization": header})
        assert (response.status_code, response.json["code"]) == (401, "api_key_invalid"), what
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"], what
        assert anna.secret not in response.text + str(response.headers)
    assert client.get("/v1/jobs", headers={"Authorization": f"Basic {anna}"}).status_code == 401
    assert client.get(f"/v1/jobs?key={anna}").status_code == 401
    assert client.get("/v1/jobs", headers={"Authorization": f"bearer  {anna} "}).status_code == 200


def test_a_wrong_key_is_refused_on_every_route(services: Services, keys: KeyStore) -> None:
    any_number = RateSettings(failures_per_minute=0)
    settings = services.settings.model_copy(update={"rate": any_number})
    app = create_app(replace(services, settings=settings))
    client = app.test_client()
    _, anna = keys.create("anna", owner="anna", scopes=frozenset(Scope))
    wrong = wrong_headers(keys, anna)
    for method, path, _ in guarded(app):
        for what, header in wrong.items():
            response = client.open(path, method=method, headers={"Authorization": header or ""})
            assert response.status_code == 401, f"{method} {path}, {what}"
            challenge = response.headers["WWW-Authenticate"]
            assert challenge.startswith('Bearer realm="atelier", error="invalid_token"'), f"{path}, {what}"


def test_without_keys_all_is_open_and_a_key_is_not_looked_at(client: FlaskClient) -> None:
    assert client.get("/v1/jobs").status_code == 200
    assert client.get("/v1/jobs", headers=bearer(KeyText.new())).status_code == 200


def test_open_routes_need_no_key(app: Flask, client: FlaskClient, keys: KeyStore) -> None:
    key_with(keys, Scope.READ)
    for path in (
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/docs/swagger-ui.css",
        "/",
        "/problems/job_gone",
    ):
        assert client.get(path).status_code not in (401, 403), path
    assert client.get("/v1/nothing").status_code == 404


def test_where_others_reach_it_a_key_is_needed_without_any_record(services: Services) -> None:
    for api in (ApiSettings(host="0.0.0.0"), ApiSettings(published_host="192.168.1.5")):
        assert client_of(services, api=api).get("/v1/jobs").status_code == 401
    inside = ApiSettings(host="0.0.0.0", published_host="127.0.0.1")
    assert client_of(services, api=inside).get("/v1/jobs").status_code == 200


def client_of(services: Services, **groups: Any) -> FlaskClient:
    settings = services.settings.model_copy(update=groups)
    app = create_app(replace(services, settings=settings))
    app.test_client_class = CheckedClient
    return app.test_client()


def test_the_key_of_the_bootstrap_file_is_an_admins_of_what_was_made_without_keys(
    services: Services, client: FlaskClient
) -> None:
    job = client.post("/v1/jobs", json={"type": "generate", "seed": 7}).json
    text = KeyText.new()
    guarded = client_of(services, access=AccessSettings(bootstrap_key=str(text)))
    assert guarded.get("/v1/jobs").status_code == 401
    assert [one["id"] for one in guarded.get("/v1/jobs", headers=bearer(text)).json["data"]] == [job["id"]]
    assert guarded.get("/v1/keys", headers=bearer(text)).json["data"][0]["bootstrap"] is True


def test_keys_are_made_and_revoked_over_http(app: Flask, services: Services, keys: KeyStore) -> None:
    client = app.test_client()
    admin = key_with(keys, Scope.ADMIN)
    made = client.post("/v1/keys", json={"name": "shop", "expires_seconds": 60}, headers=admin)
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    assert (made.json["owner"], made.json["scopes"]) == ("shop", ["submit", "read"])
    shop = bearer(made.json["key"])
    read_again(app)
    assert client.get("/v1/jobs", headers=shop).status_code == 200
    listed = client.get("/v1/keys", headers=admin)
    assert [key["name"] for key in listed.json["data"]] == ["shop", "anna"]
    assert KeyText.read(made.json["key"]).secret not in listed.text
    assert client.delete(f"/v1/keys/{made.json['id']}", headers=admin).status_code == 204
    read_again(app)
    assert client.get("/v1/jobs", headers=shop).status_code == 401
    assert client.delete("/v1/keys/unknown", headers=admin).status_code == 404


def read_again(app: Flask) -> None:
    """Have the application look at the keys now, which it would do within half a second."""
    table = app.extensions[KEYS]
    table.outdate(table.version)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "A"}, "/name"),
        ({"name": "a/../b"}, "/name"),
        ({"name": "a\n"}, "/name"),
        ({"name": "a", "owner": "*"}, "/owner"),
        ({"name": "a", "owner": ""}, "/owner"),
        ({"name": "a", "scopes": []}, "/scopes"),
        ({"name": "a", "scopes": ["all"]}, "/scopes/0"),
        ({"name": "a", "expires_seconds": True}, "/expires_seconds"),
        ({"name": "a", "expires_seconds": 0}, "/expires_seconds"),
        ({"name": "a", "secret": "x"}, "/secret"),
    ],
)
def test_a_key_that_cannot_be_is_refused_by_its_field(
    client: FlaskClient, body: dict[str, Any], field: str
) -> None:
    response = client.post("/v1/keys", json=body)
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json["errors"]] == [field]


# What goes on for long


def revoked_while(
    live: httpx.Client, keys: KeyStore, headers: dict[str, str], path: str
) -> tuple[float, list[bytes], int]:
    """Open a response, revoke its key; return how long it went on after that, what came, and its status."""
    revoked_at: list[float] = []

    def revoke() -> None:
        time.sleep(0.7)
        keys.revoke(headers["Authorization"].split("_")[1])
        revoked_at.append(time.monotonic())

    thread = threading.Thread(target=revoke)
    thread.start()
    pieces: list[bytes] = []
    try:
        with live.stream("GET", path, headers=headers) as response:
            pieces += response.iter_raw()
            status = response.status_code
    finally:
        thread.join()
    return time.monotonic() - revoked_at[0], pieces, status


def test_an_event_stream_ends_within_a_second_of_its_key(live: httpx.Client, keys: KeyStore) -> None:
    headers = key_with(keys, Scope.SUBMIT, Scope.READ)
    job = live.post("/v1/jobs", json={"type": "generate", "seed": 7}, headers=headers).json()
    seconds, pieces, status = revoked_while(live, keys, headers, f"/v1/jobs/{job['id']}/events")
    assert status == 200
    assert b"queued" in b"".join(pieces)
    assert 0 < seconds < 1
    assert live.get(f"/v1/jobs/{job['id']}", headers=headers).status_code == 401


def test_a_long_poll_is_refused_within_a_second_of_its_key(live: httpx.Client, keys: KeyStore) -> None:
    headers = key_with(keys, Scope.SUBMIT, Scope.READ)
    job = live.post("/v1/jobs", json={"type": "generate", "seed": 7}, headers=headers).json()
    seconds, pieces, status = revoked_while(live, keys, headers, f"/v1/jobs/{job['id']}?wait=5")
    assert status == 401
    assert job["id"].encode() not in b"".join(pieces).replace(b"/v1/jobs/" + job["id"].encode(), b"")
    assert 0 < seconds < 1


def test_a_stream_ends_when_its_key_expires(live: httpx.Client, keys: KeyStore) -> None:
    headers = bearer(keys.create("anna", owner="anna", scopes=DEFAULT_SCOPES, expires_seconds=1)[1])
    made_at = time.monotonic()
    job = live.post("/v1/jobs", json={"type": "generate", "seed": 7}, headers=headers).json()
    with live.stream("GET", f"/v1/jobs/{job['id']}/events", headers=headers) as response:
        list(response.iter_raw())
    assert 0.9 < time.monotonic() - made_at < 2


def test_open_streams_without_a_key_end_when_the_first_key_is_made(
    live: httpx.Client, keys: KeyStore
) -> None:
    job = live.post("/v1/jobs", json={"type": "generate", "seed": 7}).json()
    threading.Timer(0.3, key_with, (keys, Scope.READ)).start()
    began = time.monotonic()
    with live.stream("GET", f"/v1/jobs/{job['id']}/events") as response:
        list(response.iter_raw())
    assert time.monotonic() - began < 1.3


def test_a_download_in_progress_breaks_off_with_its_key(
    app: Flask, services: Services, keys: KeyStore, worker: FakeWorker
) -> None:
    client = app.test_client()
    headers = key_with(keys, Scope.SUBMIT, Scope.READ)
    job = client.post("/v1/jobs", json={"type": "generate", "seed": 7}, headers=headers).json
    worker.succeed(worker.claim(job["id"]), data=b"x" * 3 * 1024 * 1024)
    response = client.get(f"/v1/jobs/{job['id']}/outputs/0", headers=headers, buffered=False)
    pieces = iter(response.response)
    assert next(pieces)
    keys.revoke(headers["Authorization"].split("_")[1])
    read_again(app)
    with pytest.raises(Exception, match="revoked"):
        list(pieces)
