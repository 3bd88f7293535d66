"""What strangers write into a request stays a text: no file, no header, no line of the log comes of it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from atelier.local.redis_server import EmbeddedServer
from shared.access.key import Scope
from tests.security.fuzz.contract.people import NO_RATES
from tests.security.fuzz.injections.places import places
from tests.security.fuzz.injections.suite import attacks, inject, log_faults, response_faults
from tests.security.fuzz.injections.texts import TEXTS
from tests.security.fuzz.keys import new_key
from tests.support.http.gunicorn_server import LoopbackGunicorn, loopback_gunicorn
from tests.support.log_text import FORGED

ONE_OF = 25  # texts a place; `make fuzz` tries all


@pytest.fixture(scope="module")
def talkative(module_server: EmbeddedServer, folder: Path) -> Iterator[LoopbackGunicorn]:
    """The service, with every request in its log."""
    logs_all = {
        "ATELIER_LOG_LEVEL": "DEBUG",
        "ATELIER_API_MAX_WAIT_SECONDS": "1",
        "ATELIER_API_MAX_STREAM_SECONDS": "1",
        **NO_RATES,
    }
    with loopback_gunicorn(module_server.url, folder / "talkative", **logs_all) as running:
        yield running


def test_there_are_enough_attacks() -> None:
    assert len(set(TEXTS)) == len(TEXTS) >= 100
    assert len(attacks()) == len(places()) * len(TEXTS)
    chosen = attacks(ONE_OF)
    assert len(set(chosen)) >= 500
    assert {place for place, _ in chosen} == set(places())
    assert {text for _, text in chosen} == set(TEXTS)


@pytest.mark.slow
def test_no_text_becomes_anything_else(module_server: EmbeddedServer, talkative: LoopbackGunicorn) -> None:
    key = new_key(module_server.url, "root", Scope.ADMIN)
    report = inject(talkative, key, attacks(ONE_OF), lambda *_: None)
    assert (report.tried, report.findings) == (len(attacks(ONE_OF)), [])
    assert "forged" in talkative.log.read_text("utf-8")  # the texts reached the log, and were escaped there


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        (httpx.Response(500), "500"),
        (httpx.Response(404, headers={"X-Injected": "1"}), "header x-injected"),
        (httpx.Response(404, headers={b"Location": b"/a\x1b"}), "control character"),
        (httpx.Response(404, text="Traceback (most recent call last):"), "stack trace"),
        (httpx.Response(200, text="root:x:0:0:root:/root:/bin/sh"), "a file of the machine"),
    ],
)
def test_a_wrong_response_is_noticed(response: httpx.Response, fault: str) -> None:
    (found,) = response_faults(response)
    assert fault in found


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("12:00:00.123 INFO    atelier.api: answered path=\x1b[2J", "raw control characters"),
        (FORGED, "a line of a stranger"),
        ("whatever", "a line of a stranger"),
        ("12:00:00.123 ERROR   atelier.api: request failed", "an error"),
    ],
)
def test_a_wrong_line_is_noticed(tmp_path: Path, line: str, fault: str) -> None:
    log = tmp_path / "log"
    log.write_text(f"12:00:00.123 INFO    atelier.api: answered\n{line}\n", "utf-8")
    assert [found for found in log_faults(log) if found.startswith(fault)]
