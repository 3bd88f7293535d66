"""How many requests a key or an address may send in a minute, counted in the job store.

Reads and changes are counted apart, so that watching jobs takes nothing from submitting them. Headers are
those of draft-ietf-httpapi-ratelimit-headers-11.
"""

import math
from dataclasses import dataclass

from flask import Response, g
from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage

from api.client_address import counted_address
from api.errors import RateLimited
from shared.errors import StoreFull
from shared.network_settings import RateSettings
from shared.redis.client import Client, store_errors
from shared.redis.keys import Keys

DEFAULTS = {"reads": 12_000, "changes": 3_000, "failures": 600}  # where requests need a key
WINDOW_SECONDS = 60
_NAMES = {"reads": "reads", "changes": "changes", "failures": "requests without a valid key"}
# Also where the server is out of memory: what was accepted must be read and canceled then.
_COUNT = """#!lua flags=allow-oom
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
if count == tonumber(ARGV[2]) then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
local left = redis.call('PTTL', KEYS[1])
if left > ARGV[1] * 1000 then -- the clock went back: that of a new primary, for one
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  left = ARGV[1] * 1000
end
return {count, left}
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a counter said after a request."""

    name: str  # of the limit
    most: int  # requests in a window
    count: int  # requests in this window, with this one
    seconds_left: int  # of this window

    @property
    def headers(self) -> dict[str, str]:
        """The limit, and what is left of it, as structured fields."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.most};w={WINDOW_SECONDS}',
            "RateLimit": f'"{self.name}";r={max(0, self.most - self.count)};t={self.seconds_left}',
        }


class Counters(RedisStorage):
    """The library's counters on the connections of the job store; one script counts, and tells the rest."""

    SCRIPT_INCR_EXPIRE = _COUNT.encode()
    DEPENDENCIES = {"redis": None}  # without valkey, whose import takes 8 MiB

    def __init__(self, client: Client) -> None:
        super().__init__("redis://", connection_pool=client.connection_pool)

    def prefixed_key(self, key: str) -> str:
        """Return the key of a counter."""
        return Keys()("rate", key)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count; return what is counted in this window, of `expiry` seconds; raise StoreUnavailable."""
        return self.count(key, expiry, amount)[0]

    def count(self, key: str, expiry: int, amount: int = 1) -> tuple[int, int]:
        """Count as `incr`; return the milliseconds left of the window, too."""
        with store_errors():
            count, left = self.lua_incr_expire([self.prefixed_key(key)], [expiry, amount])
        return int(count), int(left)


class RequestRates:
    """Counts requests, one round trip each; none where a limit is off."""

    def __init__(self, settings: RateSettings, client: Client) -> None:
        self._set = {name: getattr(settings, f"{name}_per_minute") for name in DEFAULTS}
        self._counters = Counters(client)

    def count(self, name: str, who: str, *, keys_needed: bool) -> None:
        """Count a request of a key or a user, "" for that of the client's address.

        Raises RateLimited, StoreUnavailable.
        """
        most = self._most(name, keys_needed=keys_needed)
        if not most:
            return
        reading = self._reading(name, most, who or counted_address())
        if reading is None:
            return
        g.rate_reading = reading
        if reading.count > most:
            raise RateLimited(
                f"at most {most} {_NAMES[name]} may come in {WINDOW_SECONDS} seconds; "
                f"these are over in {reading.seconds_left}",
                retry_after_seconds=reading.seconds_left,
            )

    def _most(self, name: str, *, keys_needed: bool) -> int:
        configured: int | None = self._set[name]
        return (DEFAULTS[name] if keys_needed else 0) if configured is None else configured

    def _reading(self, name: str, most: int, who: str) -> Reading | None:
        item = RateLimitItemPerMinute(most, namespace=name)
        try:
            count, left = self._counters.count(item.key_for(who), item.get_expiry())
        except StoreFull:  # its disk is full, so nothing is counted, and nothing is accepted either
            return None
        return Reading(name, most, count, max(1, math.ceil(left / 1000)))


def add_rate_headers(response: Response) -> Response:
    """Say what is left of the limit by which the request was counted."""
    reading: Reading | None = g.get("rate_reading")
    if reading is not None:
        response.headers.update(reading.headers)
    return response
