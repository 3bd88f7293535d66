"""When to try again."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from flask import Flask
from werkzeug.serving import make_server

from api.app import create_app
from api.services import Services
from atelier.client.errors import ApiError, ServiceUnreachable
from atelier.client.retries import Patience, is_retryable, pauses, retry_after_seconds
from atelier.client.transport import Transport
from shared.network_settings import RateSettings


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application on a free port for the length of the block."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(status: int = 503, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): text for name, text in headers.items()})


def test_seconds_and_dates_are_understood_and_bounded() -> None:
    assert retry_after_seconds(answer(Retry_After="7")) == 7
    assert retry_after_seconds(answer(Retry_After="86400")) == 60
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert retry_after_seconds(answer(Retry_After=soon)) == pytest.approx(20, abs=2)
    assert retry_after_seconds(answer(Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")) == 0


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5"])
def test_nonsense_asks_for_nothing(text: str) -> None:
    assert retry_after_seconds(answer(Retry_After=text)) is None


def test_only_what_may_pass_is_tried_again() -> None:
    assert [is_retryable(answer(s)) for s in (429, 500, 502, 503, 504, 507)] == [True] * 6
    assert [is_retryable(answer(s)) for s in (200, 304, 400, 404, 409, 410, 422)] == [False] * 7


def test_pauses_grow_and_differ() -> None:
    waits = list(pauses(8))
    assert all(0.125 <= wait <= 8 for wait in waits)
    assert waits[7] > waits[0]


def test_patience_ends_two_minutes_after_the_last_response(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atelier.client.retries.PATIENCE_SECONDS", 0.05)
    patience = Patience()
    with patience.tolerate():
        raise ServiceUnreachable("gone")
    time.sleep(0.06)
    patience.note_response()
    with patience.tolerate():
        raise ApiError({}, status=503)
    time.sleep(0.06)
    with pytest.raises(ApiError), patience.tolerate():
        raise ApiError({}, status=503)


def test_patience_lasts_until_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atelier.client.retries.PATIENCE_SECONDS", 0)
    patience = Patience(60)
    time.sleep(0.01)
    with patience.tolerate():
        raise ServiceUnreachable("gone")
    assert 59 < patience.remaining_seconds < 60


@pytest.mark.parametrize("error", [ApiError({}, status=404), ServiceUnreachable("never", absent=True)])
def test_patience_is_for_what_may_pass(error: ApiError | ServiceUnreachable) -> None:
    with pytest.raises(type(error)), Patience().tolerate():
        raise error


def test_pauses_grow_after_failures_and_begin_again_after_a_response(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("atelier.client.retries.time.sleep", slept.append)
    patience = Patience()
    for _ in range(8):
        patience.pause()
    assert all(0.125 <= seconds <= 2 for seconds in slept)
    assert slept[-1] >= 1
    with patience.tolerate():
        pass
    patience.pause()
    assert slept[-1] <= 0.25
    Patience(-1).pause()
    assert slept[-1] == 0


def test_a_pause_is_as_long_as_the_service_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("atelier.client.retries.time.sleep", slept.append)
    patience = Patience()
    with patience.tolerate():
        raise ApiError({}, status=429, retry_after_seconds=41)
    patience.pause()
    with patience.tolerate():
        pass
    patience.pause()
    assert slept[0] == 41
    assert slept[1] < 1


def test_a_limit_of_requests_is_waited_for(services: Services) -> None:
    """The real service, whose window ends while the client waits."""
    slept: list[float] = []

    def wait(seconds: float) -> None:
        slept.append(seconds)
        for counter in services.store.client.scan_iter("atelier:rate:*"):
            services.store.client.delete(counter)

    settings = services.settings.model_copy(update={"rate": RateSettings(reads_per_minute=2)})
    with served(create_app(replace(services, settings=settings))) as url:
        transport = Transport(url, timeout_seconds=10, retries=2, sleep=wait)
        for _ in range(3):
            assert transport.send("GET", "/v1/limits").status_code == 200
        transport.close()
    (seconds,) = slept
    assert 1 <= seconds <= 60


def test_what_is_to_wait_for_longer_than_a_minute_is_told_at_once() -> None:
    assert is_retryable(httpx.Response(429, headers={"Retry-After": "60"}))
    assert not is_retryable(httpx.Response(429, headers={"Retry-After": "61"}))
