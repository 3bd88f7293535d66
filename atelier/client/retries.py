"""When a request is sent again: which failures may pass, how long to pause, and when to give up."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice

import httpx

from atelier.client.errors import ApiError, ServiceUnreachable
from atelier.client.request_parts import check_seconds

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 8.0  # between the retries of one request
LONGEST_RETRY_AFTER_SECONDS = 60.0
LONGEST_POLL_PAUSE_SECONDS = 2.0  # a service that was restarted is noticed this soon
PATIENCE_SECONDS = 120.0  # with a service that does not respond, where the caller set no limit
RETRYABLE = frozenset({429, 500, 502, 503, 504, 507})  # 507: storage is full, and may be swept soon


def is_retryable(response: httpx.Response) -> bool:
    """Whether the same request may succeed soon: not where the service asks for more than a minute."""
    return (
        response.status_code in RETRYABLE and (_asked_seconds(response) or 0) <= LONGEST_RETRY_AFTER_SECONDS
    )


def may_pass(error: ApiError | ServiceUnreachable) -> bool:
    """Whether the same request may succeed soon, though it ended in this error."""
    return error.status in RETRYABLE if isinstance(error, ApiError) else not error.absent


def pauses(retries: int) -> Iterator[float]:
    """Yield the pause before each retry, in seconds."""
    return islice(_growing_pauses(LONGEST_PAUSE_SECONDS), retries)


def _growing_pauses(longest_seconds: float) -> Iterator[float]:
    """Yield pauses in seconds, without end: doubling up to the longest, half of each by chance."""
    seconds = FIRST_PAUSE_SECONDS
    while True:
        yield seconds * random.uniform(0.5, 1.0)
        seconds = min(longest_seconds, seconds * 2)


def retry_after_seconds(response: httpx.Response) -> float | None:
    """Return the seconds of Retry-After, a number or a date, at most a minute; None where there is none."""
    seconds = _asked_seconds(response)
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _asked_seconds(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "").strip()
    return float(text) if text.isascii() and text.isdigit() else _seconds_until(text)


def _seconds_until(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (moment - datetime.now(UTC)).total_seconds() if moment.tzinfo else None


class Patience:
    """Decides how long to go on with a service that does not respond, and how long to pause.

    With `timeout_seconds` it lasts until then, else until two minutes after the last response. Raises
    InvalidValue where the time is not a number.
    """

    def __init__(self, timeout_seconds: float | None = None) -> None:
        check_seconds(timeout_seconds, "timeout_seconds")
        self._deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        self.note_response()

    @property
    def remaining_seconds(self) -> float:
        """Seconds until the caller's deadline: negative after it, infinite without one."""
        return float("inf") if self._deadline is None else self._deadline - time.monotonic()

    def note_response(self) -> None:
        """Note that the service responds: the two minutes and the pauses begin again."""
        self._answered_at = time.monotonic()
        self._pauses = _growing_pauses(LONGEST_POLL_PAUSE_SECONDS)
        self._least_seconds = 0.0  # of the next pause

    @contextmanager
    def tolerate(self) -> Iterator[None]:
        """Swallow an error that may pass, until patience ends; a block without one counts as a response."""
        try:
            yield
        except (ServiceUnreachable, ApiError) as error:
            if not may_pass(error) or self._is_over():
                raise
            self._least_seconds = getattr(error, "retry_after_seconds", None) or 0.0
        else:
            self.note_response()

    def _is_over(self) -> bool:
        return self._deadline is None and time.monotonic() - self._answered_at > PATIENCE_SECONDS

    def pause(self) -> None:
        """Sleep before the next request: longer after each failure, as long as the service has asked for.

        Never past the deadline.
        """
        seconds = max(next(self._pauses), self._least_seconds)
        time.sleep(max(0.0, min(seconds, self.remaining_seconds)))
