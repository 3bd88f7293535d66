import json

import pytest

from shared.settings import Settings, SettingsError
from shared.signing_secret import key_of
from shared.specs.webhook import Webhook, host_of, webhook_record


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://A.example/x", "a.example:80"),
        ("https://a.example", "a.example:443"),
        ("https://a.example:8443/", "a.example:8443"),
    ],
)
def test_one_receivers_deliveries_wait_in_one_line(url: str, host: str) -> None:
    assert host_of(url) == host


def test_every_ending_is_told_unless_said_otherwise() -> None:
    record = json.loads(
        webhook_record(Webhook(url="http://127.0.0.1:8000/told"), private=True, base="http://b")
    )
    assert sorted(record["events"]) == ["job.canceled", "job.expired", "job.failed", "job.succeeded"]


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_c2hvcnQ=",
        "whsec_-_-_",
        "bm8gcHJlZml4LCB0aG91Z2ggbG9uZyBlbm91Z2g=",
        "whsec_" + "A" * 200,
    ],
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError):
        key_of(secret)


def test_a_wrong_secret_stops_the_start_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_WEBHOOK_SECRET", "hunter2")
    with pytest.raises(SettingsError, match="ATELIER_WEBHOOK_SECRET") as caught:
        Settings.from_env()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "said", "allowed"),
    [
        ("127.0.0.1", "auto", False),
        ("localhost", "auto", False),
        ("::1", "auto", False),
        ("0.0.0.0", "auto", False),
        ("0.0.0.0", "true", True),
        ("127.0.0.1", "true", True),
        ("127.0.0.1", "false", False),
    ],
)
def test_private_receivers_are_allowed_by_the_operator_alone(
    monkeypatch: pytest.MonkeyPatch, host: str, said: str, allowed: bool
) -> None:
    monkeypatch.setenv("ATELIER_API_HOST", host)
    monkeypatch.setenv("ATELIER_WEBHOOK_ALLOW_PRIVATE", said)
    assert Settings.from_env().private_webhooks is allowed
