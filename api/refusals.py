"""Refusals by quota: told after a pause, and repeated for a moment without asking the job store again.

An owner whose quota is spent, and who asks on and on, thus takes hardly any of the time of the others: a
connection gets four answers a second at most, and most of them cost no more than the request's headers.
"""

import time

from flask import Response, g, request

from api.responses.problems import problem
from shared.errors import QuotaExceeded

REPEATED_SECONDS = 1.0  # so long a spent quota counts as spent
PAUSE_SECONDS = 0.25  # before a refusal is told: the other greenlets go on
_Place = tuple[str, str]  # an owner, and the endpoint that refused it


class QuotaRefusals:
    """What was refused just now, by owner and endpoint."""

    def __init__(self) -> None:
        self._known: dict[_Place, tuple[float, QuotaExceeded]] = {}

    def repeat(self) -> None:
        """Raise QuotaExceeded again, where the same owner's quota was found spent a moment ago."""
        until, error = self._known.get(_place(), (0.0, None))
        if error is not None and time.monotonic() < until:
            g.is_repeated = True
            raise error.with_traceback(None)

    def answer(self, error: QuotaExceeded) -> Response:
        """Return the response to a request that a quota refuses; remember a quota that has nothing left."""
        if error.use is not None and error.use.used >= error.use.limit and not g.get("is_repeated"):
            self._remember(error)
        time.sleep(PAUSE_SECONDS)
        seconds = error.retry_after_seconds
        return problem(error, {} if seconds is None else {"Retry-After": str(seconds)})

    def _remember(self, error: QuotaExceeded) -> None:
        now = time.monotonic()
        self._known = {place: known for place, known in self._known.items() if known[0] > now}
        self._known[_place()] = (now + REPEATED_SECONDS, error)


def _place() -> _Place:
    return g.get("owner", ""), request.endpoint or ""
