"""Refuses new work before the job store's memory is full, so that accepted work has room."""

from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from shared.errors import StoreFull
from shared.redis.client import Client, store_errors
from shared.redis.recent import Recent
from shared.redis.scripts import Call, Scripts, value_of

FRESH_SECONDS = 1.0  # a reading is valid for this long: a submission costs no round trip of its own
FULL_PERCENT = 80
_ASK: Call = ("INFO", "memory")
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoreMemory:
    """What the server uses, and the most that it may use, in bytes."""

    used: int
    most: int  # 0: it has no limit, or does not tell

    def text(self) -> str:
        """Return it as people read it."""
        shown = f"{self.used / _MEBIBYTE:,.1f} MiB"
        return f"{shown} of {self.most / _MEBIBYTE:,.1f} MiB are used" if self.most else f"{shown} are used"


def read_memory(client: Client) -> StoreMemory:
    """Ask the server; raise StoreUnavailable."""
    try:
        with store_errors():
            told = client.info("memory")
    except ResponseError as error:
        told = error
    return _memory_of(told)


def _memory_of(told: Any) -> StoreMemory:
    if isinstance(told, ResponseError):  # this user may not ask; the server still refuses what has no room
        return StoreMemory(0, 0)
    told = value_of(told)
    # The server does not count its own buffers of the journal and of replicas against its limit.
    used = int(told.get("used_memory", 0)) - int(told.get("mem_not_counted_for_evict", 0))
    return StoreMemory(used, int(told.get("maxmemory", 0)))


class MemoryGuard:
    """Checks the room of the job store for new work. It is safe for many threads."""

    def __init__(self, client: Client, full_percent: int = FULL_PERCENT) -> None:
        self.known = Recent(Scripts(client), _ASK, self._read, seconds=FRESH_SECONDS)
        self._percent = full_percent
        self._incoming_bytes = 0  # accepted since the last reading, which has not seen them

    def check(self, incoming_bytes: int = 0) -> None:
        """Raise StoreFull, which names the limit, if new work of this size must be refused."""
        known = self.known.get()
        known = StoreMemory(known.used + self._incoming_bytes, known.most)
        if known.most and known.used + incoming_bytes > known.most * self._percent // 100:
            more = f", {incoming_bytes / _MEBIBYTE:,.1f} MiB more are asked for" if incoming_bytes else ""
            raise StoreFull(
                f"the job store's memory is nearly full: {known.text()}{more}, and new work leaves "
                f"{100 - self._percent} % of it free (maxmemory)"
            )
        self._incoming_bytes += incoming_bytes

    def _read(self, reply: Any) -> StoreMemory:
        self._incoming_bytes = 0
        return _memory_of(reply)
