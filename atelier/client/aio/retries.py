"""Made from atelier/client/retries.py by `make async-client`: change that file, not this one."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from atelier.client.errors import ApiError, ServiceUnreachable
from atelier.client.request_parts import check_seconds
from atelier.client.retries import LONGEST_POLL_PAUSE_SECONDS, PATIENCE_SECONDS, _growing_pauses, may_pass


class AsyncPatience:
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
        self._least_seconds = 0.0

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

    async def pause(self) -> None:
        """Sleep before the next request: longer after each failure, as long as the service has asked for.

        Never past the deadline.
        """
        seconds = max(next(self._pauses), self._least_seconds)
        await asyncio.sleep(max(0.0, min(seconds, self.remaining_seconds)))
