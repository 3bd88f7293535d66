"""A job store whose server's clock a test sets: its scripts read the time from a key."""

import pytest

from shared.jobs.store import JobStore
from shared.redis import scripts
from shared.redis.client import Client
from shared.setting_groups import JobRules

KEY = "test:clock"
_PROGRAM = scripts.program
_TIME = f"{{redis.call('HGET', '{KEY}', 'seconds'), redis.call('HGET', '{KEY}', 'micros')}}"


class Clock:
    """The time of the scripts, in seconds since its start."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.now = 0.0
        self.set(0.0)

    def set(self, now: float) -> None:
        """Go on to a time."""
        self.now = now
        seconds, fraction = divmod(round((1e9 + now) * 1e6), 10**6)
        self._client.hset(KEY, mapping={"seconds": seconds, "micros": fraction})


def store_by_clock(client: Client, rules: JobRules, patch: pytest.MonkeyPatch) -> JobStore:
    """Return a store whose scripts know no other time than a Clock's; make that one first."""
    patch.setattr(scripts, "program", lambda name: _PROGRAM(name).replace("redis.call('TIME')", _TIME))
    return JobStore(client, rules)
