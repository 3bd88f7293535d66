"""When to try again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from atelier.client.transport import asked_pause, is_retryable, pauses


def answer(status: int = 503, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): text for name, text in headers.items()})


def test_seconds_and_dates_are_understood_and_bounded() -> None:
    assert asked_pause(answer(Retry_After="7")) == 7
    assert asked_pause(answer(Retry_After="86400")) == 60
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert asked_pause(answer(Retry_After=soon)) == pytest.approx(20, abs=2)
    assert asked_pause(answer(Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")) == 0


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5"])
def test_nonsense_asks_for_nothing(text: str) -> None:
    assert asked_pause(answer(Retry_After=text)) is None


def test_only_what_may_pass_is_tried_again() -> None:
    assert [is_retryable(answer(s)) for s in (429, 500, 502, 503, 504, 507)] == [True] * 6
    assert [is_retryable(answer(s)) for s in (200, 304, 400, 404, 409, 410, 422)] == [False] * 7


def test_pauses_grow_and_differ() -> None:
    waits = list(pauses(8))
    assert all(0.125 <= wait <= 8 for wait in waits)
    assert waits[7] > waits[0]
