"""How many requests a key or an address may send in a minute, counted in the job store.

Reads and changes are counted apart, so that watching jobs takes nothing from submitting them. Headers are
those of draft-ietf-httpapi-ratelimit-headers-11.
"""

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Response, g
from limits import RateLimitItemPerMinute

from api.client_address import counted_address
from api.errors import RateLimited
from shared.access.table import KeysAt
from shared.errors import AtelierError, StoreFull
from shared.network_settings import RateSettings
from shared.redis.scripts import Call, Scripts, value_of

DEFAULTS = {"reads": 12_000, "changes": 3_000, "failures": 600}  # where requests need a key
WINDOW_SECONDS = 60
_NAMES = {"reads": "reads", "changes": "changes", "failures": "requests without a valid key"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a counter said after a request."""

    name: str  # of the limit
    most: int  # requests in a window
    count: int  # requests in this window, with this one
    seconds_left: int  # of this window
    keys: KeysAt  # the version of the API keys when it was counted

    @property
    def headers(self) -> dict[str, str]:
        """The limit, and what is left of it, as structured fields."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.most};w={WINDOW_SECONDS}',
            "RateLimit": f'"{self.name}";r={max(0, self.most - self.count)};t={self.seconds_left}',
        }


class Beside(Protocol):
    """What is read in the round trip that counts a request."""

    @property
    def call(self) -> Call:
        """The script or command that reads it."""

    def take(self, reply: Any) -> object:
        """Take what that returned or raised."""


class RequestRates:
    """Counts requests, one round trip each; none where a limit is off."""

    def __init__(self, settings: RateSettings, scripts: Scripts) -> None:
        self._set = {name: getattr(settings, f"{name}_per_minute") for name in DEFAULTS}
        self._scripts = scripts

    def count(
        self, name: str, who: str, *, keys_needed: bool, beside: Sequence[Beside] = ()
    ) -> Reading | None:
        """Count a request of a key or a user, "" for that of the client's address; None where none counts.

        What is `beside` is read in the same round trip. Raises StoreUnavailable.
        """
        most = self._most(name, keys_needed=keys_needed)
        if not most:
            return None
        item = RateLimitItemPerMinute(most, namespace=name)
        call = ("access/count", item.key_for(who or counted_address()), item.get_expiry() * 1000)
        asked_at = time.monotonic()
        counted, *told = self._scripts.run_together(call, *(each.call for each in beside))
        for each, reply in zip(beside, told, strict=True):
            with suppress(AtelierError):  # the code that needs it asks again
                each.take(reply)
        if isinstance(counted, StoreFull):  # its disk is full: nothing is counted, nor accepted
            return None
        count, left, version, now = value_of(counted)
        return Reading(name, most, count, max(1, math.ceil(left / 1000)), KeysAt.told(version, now, asked_at))

    def _most(self, name: str, *, keys_needed: bool) -> int:
        configured: int | None = self._set[name]
        return (DEFAULTS[name] if keys_needed else 0) if configured is None else configured


def check_rate(reading: Reading | None) -> None:
    """Have the response say what is left of a limit; raise RateLimited if the request is one too many."""
    if reading is None:
        return
    g.rate_reading = reading
    if reading.count > reading.most:
        raise RateLimited(
            f"at most {reading.most} {_NAMES[reading.name]} may come in {WINDOW_SECONDS} seconds; "
            f"these are over in {reading.seconds_left}",
            retry_after_seconds=reading.seconds_left,
        )


def add_rate_headers(response: Response) -> Response:
    """Say what is left of the limit by which the request was counted."""
    reading: Reading | None = g.get("rate_reading")
    if reading is not None:
        response.headers.update(reading.headers)
    return response
