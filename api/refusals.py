"""Refusals by quota: told after a pause, and repeated for a moment without asking the job store again.

An owner whose quota is spent, and who asks on and on, thus takes hardly any of the time of the others: a
connection gets four answers a second at most, and most of them cost no more than the request's headers. When
there is room again, what it sends on many connections is spread over time.
"""

import random
import time

from flask import Response, g, request

from api.audit import audit_refusal
from api.responses.problems import problem
from shared.errors import QuotaExceeded

REPEATED_SECONDS = 1.0  # for so long a spent quota counts as spent
SPREAD_SECONDS = 10.0  # for so long after a refusal further requests are spread over time
PAUSE_SECONDS = 0.25  # before a refusal is told; the most by which a request is put off
_Place = tuple[str, str]  # an owner, and the endpoint that refused it


class QuotaRefusals:
    """What was refused just now, by owner and endpoint."""

    def __init__(self) -> None:
        self._known: dict[_Place, tuple[float, QuotaExceeded]] = {}  # with the time of the refusal

    def repeat(self) -> None:
        """Raise QuotaExceeded again, where the same owner's quota was found spent a moment ago."""
        at, error = self._known.get(_place(), (0.0, None))
        if error is None:
            return
        age = time.monotonic() - at
        if age < REPEATED_SECONDS:
            g.is_repeated = True
            raise error.with_traceback(None)
        if age < SPREAD_SECONDS:
            time.sleep(random.uniform(0, PAUSE_SECONDS))

    def answer(self, error: QuotaExceeded) -> Response:
        """Return the response to a request that a quota refuses; remember a quota that has nothing left."""
        if not g.get("is_repeated"):
            audit_refusal(error)
        if error.use is not None and error.use.used >= error.use.limit and not g.get("is_repeated"):
            self._remember(error)
        time.sleep(PAUSE_SECONDS)
        seconds = error.retry_after_seconds
        return problem(error, {} if seconds is None else {"Retry-After": str(seconds)})

    def _remember(self, error: QuotaExceeded) -> None:
        now = time.monotonic()
        known = self._known.items()
        self._known = {place: entry for place, entry in known if now - entry[0] < SPREAD_SECONDS}
        self._known[_place()] = (now, error)


def _place() -> _Place:
    return g.get("owner", ""), request.endpoint or ""
