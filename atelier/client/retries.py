"""When the client tries again, and after which pause."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from atelier.client.errors import ApiError, ServiceUnreachable

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 8.0
LONGEST_RETRY_AFTER_SECONDS = 60.0
RETRYABLE = frozenset({429, 500, 502, 503, 504, 507})  # 507: storage is full, and may be swept soon


def is_retryable(response: httpx.Response) -> bool:
    """Whether the same request may succeed soon."""
    return response.status_code in RETRYABLE


def may_pass(error: ApiError | ServiceUnreachable) -> bool:
    """Whether the same request may succeed soon, though it ended in this error."""
    return error.status in RETRYABLE if isinstance(error, ApiError) else not error.absent


def pauses(retries: int) -> Iterator[float]:
    """Yield the pause before each retry, in seconds: doubling, half of it by chance."""
    for number in range(retries):
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**number)
        yield longest * random.uniform(0.5, 1.0)


def asked_pause(response: httpx.Response) -> float | None:
    """Return the seconds of Retry-After, a number or a date, at most a minute; None where there is none."""
    text = response.headers.get("Retry-After", "").strip()
    seconds = float(text) if text.isascii() and text.isdigit() else _seconds_until(text)
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _seconds_until(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (moment - datetime.now(UTC)).total_seconds() if moment.tzinfo else None
