"""A job's events as server-sent events, until the job is done or the client has left."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from api.job_view import JobRenderer
from api.services import Services
from api.waiting import LOOK_SECONDS
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


class EventStream(EventFrames):
    """One client's view of one job's events, from the one after `after` on."""

    def __init__(
        self, services: Services, renderer: JobRenderer, *, job_id: str, owner: str, after: str
    ) -> None:
        super().__init__(after)
        self._services = services
        self._renderer = renderer
        self._job_id = job_id
        self._owner = owner

    def _news(self) -> list[str]:
        job = self._services.store.get(self._job_id, self._owner)
        # The record was read before the stream: if it is final, the stream already holds its last event.
        block = 0.0 if job.status.is_terminal else LOOK_SECONDS
        events = self._services.queries.events(self._job_id, after=self._after, block_seconds=block)
        said = [frame(event.kind, event.id, json.dumps(self._told(event.data))) for event in events]
        self._after = events[-1].id if events else self._after
        if job.status.is_terminal and not events:
            self._done = True
            said.append(frame("done", self._after, self._renderer.view(job).model_dump_json()))
        return said

    def _told(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return an event's data with a preview's address in the place of its key in object storage."""
        told = {name: value for name, value in data.items() if name != "preview"}
        if "preview" in data:
            told["preview_url"] = self._renderer.preview_url(self._job_id, data["preview"])
        return told


def frame(kind: str, event_id: str, data: str) -> str:
    """Return one event as the stream has it; `data` is one line."""
    return f"event: {kind}\nid: {event_id}\ndata: {data}\n\n"
