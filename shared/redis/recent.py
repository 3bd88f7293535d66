"""What a process reads of the job store now and then, so that most requests need no round trip for it."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from shared.redis.scripts import Call, Scripts

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """What one call tells, as it was some seconds ago at most. Safe to share between threads."""

    def __init__(self, scripts: Scripts, call: Call, read: Callable[[Any], Value], *, seconds: float) -> None:
        """`read` gets what the call returned, or raised, and raises the latter where it is no value."""
        self.call = call
        self.seconds = seconds
        self._scripts = scripts
        self._read = read
        self._lock = threading.Lock()
        self._value: tuple[Value, ...] = ()  # none before the first call
        self._read_at = 0.0

    @property
    def age_seconds(self) -> float:
        """The time since the last call; endless where there is no value to use."""
        return time.monotonic() - self._read_at if self._value else float("inf")

    def get(self) -> Value:
        """Return what was told up to some seconds ago; raise StoreUnavailable."""
        with self._lock:
            if self.age_seconds < self.seconds:
                return self._value[0]
        return self.newest()

    def newest(self) -> Value:
        """Return what the server tells now; raise StoreUnavailable."""
        return self.take(self._scripts.run_together(self.call)[0])

    def take(self, reply: Any) -> Value:
        """Return what a reply to the call tells, and keep it; raise what the call raised."""
        value = self._read(reply)
        with self._lock:
            self._value, self._read_at = (value,), time.monotonic()
        return value

    def forget(self) -> None:
        """Ask the server before the next use."""
        with self._lock:
            self._value = ()

    @property
    def is_ageing(self) -> bool:
        """Whether it might be too old before the end of a request that begins now."""
        return self.age_seconds > self.seconds / 2


def ageing(values: Iterable[Recent[Any]]) -> list[Recent[Any]]:
    """Return those to read again now for a request that begins, in a round trip that it makes anyway."""
    return [value for value in values if value.is_ageing]
