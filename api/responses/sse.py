"""Frames of a stream of server-sent events, and what is sent while nothing happens."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from shared.errors import BatchNotFound, JobGone, JobNotFound, StoreUnavailable

RETRY_MILLISECONDS = 2000  # the client's pause before it connects again
PING_SECONDS = 15.0
OUTAGE_SECONDS = 1.0  # pause while the job store is away
FORGOTTEN = (JobGone, JobNotFound, BatchNotFound)


class EventFrames(ABC):
    """A stream of events whose news `_news` brings."""

    def __init__(self, after: str) -> None:
        self._after = after  # id of the last event that was told
        self._done = False  # after this, nothing will be told

    def frames(self, gone: Callable[[], bool]) -> Iterator[str]:
        """Yield the stream's text; end after `done`, when the job is forgotten, or when `gone` says so."""
        yield f"retry: {RETRY_MILLISECONDS}\n\n"
        spoken = time.monotonic()
        while not self._done and not gone():
            said = self._next()
            yield from said
            now = time.monotonic()
            if not said and now - spoken >= PING_SECONDS:
                said = [": ping\n\n"]
                yield from said
            spoken = now if said else spoken

    def _next(self) -> list[str]:
        try:
            return self._news()
        except FORGOTTEN:
            self._done = True
        except StoreUnavailable:  # accepted jobs go on when it is back, and so does this stream
            time.sleep(OUTAGE_SECONDS)
        return []

    @abstractmethod
    def _news(self) -> list[str]:
        """Return the next frames, after at most two seconds; set `_done` with the last."""


def frame(kind: str, event_id: str, data: str) -> str:
    """Return one event as the stream has it; `data` is one line."""
    return f"event: {kind}\nid: {event_id}\ndata: {data}\n\n"
