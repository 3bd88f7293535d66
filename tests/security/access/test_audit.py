"""The audit log: every event is written, described, and bounded where strangers cause it."""

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from api.app import create_app
from api.auth import KEYS
from api.services import Services
from shared import audit as audit_module
from shared.access.key import DEFAULT_SCOPES, KeyText, Scope
from shared.access.store import KeyStore
from shared.audit import MOST_A_SECOND, Event, audit
from shared.network_settings import AccessSettings, ProxySettings, RateSettings
from shared.workers import Worker
from tests.support.models.versions import NEW, OLD, THERE, write_version

PAGE = (Path(__file__).parents[3] / "docs" / "security.md").read_text("utf-8")
Logged = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _nothing_was_refused_before(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = {event: audit_module._Bound() for event in audit_module._BOUNDS}
    monkeypatch.setattr(audit_module, "_BOUNDS", fresh)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Logged:
    caplog.set_level(logging.INFO, "atelier.audit")
    standard = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

    def read() -> list[dict[str, Any]]:
        records = [record for record in caplog.records if record.name == "atelier.audit"]
        return [{n: v for n, v in vars(record).items() if n not in standard} for record in records]

    return read


def bearer(text: object) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def client_with(services: Services, **groups: Any) -> FlaskClient:
    return create_app(replace(services, settings=services.settings.model_copy(update=groups))).test_client()


def read_again(client: FlaskClient) -> None:
    table = client.application.extensions[KEYS]
    table.outdate(table.version)


def name_places(client: FlaskClient, admin: dict[str, str]) -> None:
    for name in ("out", "nowhere"):
        batch = {"items": [{"type": "generate"}], "destination": {"place": name}}
        client.post("/v1/batches", json=batch, headers=admin)


def roll_out_and_back(client: FlaskClient, admin: dict[str, str]) -> None:
    for method, body in (("PUT", {"version": "5", "share": 0.5}), ("DELETE", None)):
        client.open("/v1/models/mnist-dcgan/rollout", method=method, json=body, headers=admin)


def cause_everything(services: Services, boot: KeyText) -> list[str]:
    """Have every event happen; return the secrets that were in play."""
    client = client_with(
        services,
        access=AccessSettings(bootstrap_key=str(boot)),
        rate=RateSettings(changes_per_minute=21),
        places=SecretStr('{"out": {"url": "file:///srv/out", "access": "write"}}'),
        proxy=ProxySettings(user_header="X-Remote-User", user_from="10.0.0.5"),
    )
    admin, unknown = bearer(boot), KeyText.new()
    made = client.post("/v1/keys", json={"name": "shop", "scopes": ["read", "submit"]}, headers=admin).json
    read_again(client)
    client.get("/v1/keys", headers=bearer(made["key"]))
    job = client.post("/v1/jobs", json={"type": "generate"}, headers=bearer(made["key"])).json["id"]
    client.post(f"/v1/owners/shop/jobs/{job}/move", json={"to": "front"}, headers=admin)
    client.post("/v1/actions", json={"do": "cancel", "filter": {}, "owner": "shop"}, headers=admin)
    write_version(services.settings.cards)
    services.roster.announce(Worker("w1", 1, (), available=THERE, versions=(OLD, NEW)))
    for move in ("cordon", "uncordon"):
        client.post(f"/v1/workers/w1/{move}", headers=admin)
    client.delete(f"/v1/keys/{made['id']}", headers=admin)
    read_again(client)
    client.get("/v1/jobs", headers=bearer(made["key"]))
    client.get("/v1/jobs", headers=bearer(unknown))
    client.get("/v1/jobs")
    client.get("/v1/jobs", headers={"X-Remote-User": "a b"}, environ_overrides={"REMOTE_ADDR": "10.0.0.5"})
    client.post("/v1/models/reload", headers=admin)
    name_places(client, admin)
    client.put("/v1/owners/anonymous/quota", json={"queued": 1}, headers=admin)
    pause = client.post("/v1/pauses", json={"reason": "a test"}, headers=admin).json
    client.delete(f"/v1/pauses/{pause['id']}", headers=admin)
    roll_out_and_back(client, admin)
    client.put("/v1/models/mnist-dcgan/limits", json={"running": 1}, headers=admin)
    renewed = client.post("/v1/webhooks/secret/renew", headers=admin).json
    client.get("/v1/jobs", headers={"Host": "evil.example"})
    client.post("/v1/jobs", headers={"Origin": "https://evil.example"})
    for seed in range(3):
        client.post("/v1/jobs", json={"type": "generate", "seed": seed}, headers=admin)
    for _ in range(3):
        client.post("/v1/models/reload", headers=admin)
    return [boot.secret, unknown.secret, made["key"].split("_")[2], renewed["secret"]]


def test_every_event_is_written_and_has_no_secret(services: Services, logged: Logged) -> None:
    secrets = cause_everything(services, KeyText.new())
    assert {line["event"] for line in logged()} == set(Event)
    for line in logged():
        assert not [secret for secret in secrets if secret in str(line)]
        if line["event"] not in (Event.BOOTSTRAP_KEY, Event.KEY_TAKEN, Event.KEY_ENDED):
            assert line["address"] in ("127.0.0.1", "10.0.0.5")
            assert line["request_id"].startswith("req_")


def test_an_event_says_who_and_which_key(services: Services, logged: Logged) -> None:
    boot = KeyText.new()
    cause_everything(services, boot)
    by_event = {line["event"]: line for line in reversed(logged())}
    created, taken = by_event[Event.KEY_CREATED], by_event[Event.KEY_TAKEN]
    assert (created["owner"], created["key"]) == ("anonymous", boot.id)
    assert (created["subject_owner"], created["scopes"]) == ("shop", "submit read")
    assert (taken["key"], taken["owner"], taken["key_name"]) == (created["subject"], "shop", "shop")
    assert by_event[Event.KEY_ENDED]["key"] == by_event[Event.KEY_REVOKED]["subject"] == created["subject"]
    assert by_event[Event.SCOPE_REFUSED]["key"] == created["subject"]
    refused = by_event[Event.KEY_REFUSED]
    assert (refused["owner"], refused["reason"]) == ("shop", "the API key is revoked")


def test_the_use_of_an_expired_key_is_told(services: Services, logged: Logged) -> None:
    keys = KeyStore(services.store.scripts)
    key, text = keys.create("late", owner="anna", scopes=DEFAULT_SCOPES, expires_seconds=1)
    client = client_with(services)
    while client.get("/v1/jobs", headers=bearer(text)).status_code != 401:
        pass
    (line,) = [line for line in logged() if line["event"] == Event.KEY_REFUSED]
    assert (line["key"], line["owner"], line["reason"]) == (key.id, "anna", "the API key has expired")


def test_what_a_command_does_is_seen(services: Services, logged: Logged) -> None:
    client, keys = client_with(services), KeyStore(services.store.scripts)
    client.get("/v1/jobs")
    key, _ = keys.create("root", owner="root", scopes=frozenset({Scope.ADMIN}))
    read_again(client)
    client.get("/v1/jobs")
    keys.revoke(key.id)
    read_again(client)
    client.get("/v1/jobs")
    told = [
        (line["event"], line["key"])
        for line in logged()
        if line["event"].startswith("key_") and "key" in line
    ]
    assert told == [(Event.KEY_TAKEN, key.id), (Event.KEY_ENDED, key.id)]


def test_a_start_does_not_tell_of_every_key_again(services: Services, logged: Logged) -> None:
    _, text = KeyStore(services.store.scripts).create("anna", owner="anna", scopes=DEFAULT_SCOPES)
    assert client_with(services).get("/v1/jobs", headers=bearer(text)).status_code == 200
    assert logged() == []


def test_a_flood_is_counted_and_not_written(monkeypatch: pytest.MonkeyPatch, logged: Logged) -> None:
    now = SimpleNamespace(monotonic=lambda: 10.0)
    monkeypatch.setattr(audit_module, "time", now)
    for _ in range(1000):
        audit(Event.KEY_REFUSED, address="192.0.2.7")
    audit(Event.HOST_REFUSED)
    now.monotonic = lambda: 11.5
    audit(Event.KEY_REFUSED)
    audit(Event.KEY_REFUSED)
    lines = [(line["event"], line.get("left_out")) for line in logged()]
    refused = [(Event.KEY_REFUSED, None)] * MOST_A_SECOND
    after = [(Event.KEY_REFUSED, 1000 - MOST_A_SECOND), (Event.KEY_REFUSED, None)]
    assert lines == [*refused, (Event.HOST_REFUSED, None), *after]


def test_what_admins_do_is_never_left_out(logged: Logged) -> None:
    for _ in range(50):
        audit(Event.KEY_REVOKED)
    assert len(logged()) == 50


def test_the_page_lists_every_event() -> None:
    table = PAGE.partition("### The audit log")[2].partition("###")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(Event)
