"""Refuses new work before the job store's memory is full, so that accepted work has room."""

import time
from dataclasses import dataclass

from redis.exceptions import ResponseError

from shared.errors import StoreFull
from shared.redis.client import Client, store_errors

FRESH_SECONDS = 1.0  # a reading is valid for this long: a submission costs no round trip of its own
FULL_PERCENT = 80
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
    except ResponseError:  # this user may not ask; the server still refuses what has no room
        return StoreMemory(0, 0)
    # The server does not count its own buffers of the journal and of replicas against its limit.
    used = int(told.get("used_memory", 0)) - int(told.get("mem_not_counted_for_evict", 0))
    return StoreMemory(used, int(told.get("maxmemory", 0)))


class MemoryGuard:
    """Checks the room of the job store for new work. It is safe for many threads."""

    def __init__(self, client: Client, full_percent: int = FULL_PERCENT) -> None:
        self._client = client
        self._percent = full_percent
        self._known = StoreMemory(0, 0)
        self._until = 0.0

    def check(self, incoming_bytes: int = 0) -> None:
        """Raise StoreFull, which names the limit, if new work of this size must be refused."""
        known = self._read()
        if known.most and known.used + incoming_bytes > known.most * self._percent // 100:
            more = f", {incoming_bytes / _MEBIBYTE:,.1f} MiB more are asked for" if incoming_bytes else ""
            raise StoreFull(
                f"the job store's memory is nearly full: {known.text()}{more}, and new work leaves "
                f"{100 - self._percent} % of it free (maxmemory)"
            )
        if incoming_bytes:  # until the next reading, which has it
            self._known = StoreMemory(known.used + incoming_bytes, known.most)

    def _read(self) -> StoreMemory:
        if time.monotonic() >= self._until:
            self._known = read_memory(self._client)
            self._until = time.monotonic() + FRESH_SECONDS
        return self._known
