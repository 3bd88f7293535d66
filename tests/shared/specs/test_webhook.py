import json

import pytest

from shared.settings import Settings, SettingsError
from shared.signing_secret import key_of
from shared.specs.webhook import Webhook, fault_of_url, host_of, webhook_record

GOOD = [
    "http://127.0.0.1:8000/told",
    "https://receiver.example/a/b?token=%20x&y=(1)",
    "https://[2001:db8::1]:8443/",
    "https://xn--bcher-kva.example",
]
BAD = {
    "ftp://a.example/": "http://",
    "//a.example/": "http://",
    "http://": "names no host",
    "http://a.example:0/": "names no host",
    "http://a.example:99999/": "is no URL",
    "http://[::1/": "is no URL",
    "http://user:secret@a.example/": "credentials",
    "http://user@a.example/": "credentials",
    "http://@a.example/": "credentials",
    "http://a.example/#part": "fragment",
    "http://a.example/\nX: y": "percent-encoded",
    "http://a.example\\@b.example/": "percent-encoded",
    "http://bücher.example/": "percent-encoded",
    " http://a.example/": "percent-encoded",
    "": "percent-encoded",
}


@pytest.mark.parametrize("url", GOOD)
def test_addresses_of_receivers_are_taken(url: str) -> None:
    assert fault_of_url(url) == ""


@pytest.mark.parametrize(("url", "reason"), BAD.items())
def test_what_is_no_receivers_address_is_refused(url: str, reason: str) -> None:
    assert reason in fault_of_url(url)


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
    record = json.loads(webhook_record(Webhook(url=GOOD[0]), private=True, base="http://b"))
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
        ("127.0.0.1", "auto", True),
        ("localhost", "auto", True),
        ("::1", "auto", True),
        ("0.0.0.0", "auto", False),
        ("0.0.0.0", "true", True),
        ("127.0.0.1", "false", False),
    ],
)
def test_private_receivers_are_allowed_where_only_this_machine_asks(
    monkeypatch: pytest.MonkeyPatch, host: str, said: str, allowed: bool
) -> None:
    monkeypatch.setenv("ATELIER_API_HOST", host)
    monkeypatch.setenv("ATELIER_WEBHOOK_ALLOW_PRIVATE", said)
    assert Settings.from_env().private_webhooks is allowed
