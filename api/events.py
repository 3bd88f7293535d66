"""The stream of a job's or a batch's events as server-sent events."""

import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from flask import Response, request

from api.errors import InvalidHeader, TooManyListeners
from api.following import R, Resource
from api.key_watch import ALARMED_SECONDS, ENDED, Watch
from api.server.threads import LOOK_SECONDS, waits
from api.services import services
from shared.errors import BatchNotFound, JobGone, JobNotFound, StoreUnavailable
from shared.jobs.queries import Event, JobQueries

RECONNECT_MILLISECONDS = 2000  # the pause of a client whose stream broke off
PING_SECONDS = 15.0
OUTAGE_SECONDS = 1.0  # pause while the job store is away
FORGOTTEN = (JobGone, JobNotFound, BatchNotFound, *ENDED)  # the record, or the key
_EVENT_ID = re.compile(r"[0-9]{1,20}(?:-[0-9]{1,20})?")
_MOST = 2**64  # of both numbers of an event's id, in the job store


def stream_response(resource: Resource[R], record_id: str, owner: str) -> Response:
    """Return the stream of a record's events from the one after `Last-Event-ID` on.

    Raises InvalidHeader, TooManyListeners, and what reading the record raises.
    """
    after = last_event_id() or "0-0"
    resource.get(record_id, owner)
    stream = RecordStream(resource, services().queries, record_id, owner, after)
    return sent(stream, instead=f"poll the {resource.kind} meanwhile")


def sent(stream: "EventStream", *, instead: str) -> Response:
    """Return the response with a stream; raise TooManyListeners, which says what to do `instead`."""
    waiting = waits()
    if not waiting.take():
        raise TooManyListeners(f"as many clients as can be served are listening; {instead}")
    response = Response(stream.frames(partial(waiting.gone, request.environ)), mimetype="text/event-stream")
    response.call_on_close(waiting.leave)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def last_event_id() -> str:
    """Return the id of the last event that the client has; "" where it names none. Raises InvalidHeader."""
    given = request.headers.get("Last-Event-ID")
    if given is None:
        return ""
    if _EVENT_ID.fullmatch(given) is None or any(int(part) >= _MOST for part in given.split("-")):
        raise InvalidHeader("Last-Event-ID must be the id of an event of this stream")
    return given


class EventStream(ABC):
    """One client's server-sent events, until they end or the client has left. Made within the request."""

    def __init__(self, after: str) -> None:
        self._after = after  # id of the last event that was sent
        self._watch = Watch()
        self._done = False  # after this, nothing will be sent
        self._seconds = services().settings.api.max_stream_seconds

    def frames(self, gone: Callable[[], bool]) -> Iterator[str]:
        """Yield the stream's text; end after its last event, with record or key, when `gone`, or in time."""
        yield f"retry: {RECONNECT_MILLISECONDS}\n\n"
        last_sent = time.monotonic()
        until = last_sent + self._seconds
        while not self._done and not gone() and time.monotonic() < until:
            sent = self._next()
            yield from sent
            now = time.monotonic()
            if not sent and now - last_sent >= PING_SECONDS:
                sent = [": ping\n\n"]
                yield from sent
            last_sent = now if sent else last_sent

    def _next(self) -> list[str]:
        """Return the next frames, after at most two seconds."""
        try:
            return self._new_frames()
        except FORGOTTEN:
            self._done = True
        except StoreUnavailable:  # accepted jobs go on when it is back, and so does this stream
            time.sleep(OUTAGE_SECONDS)
        return []

    @abstractmethod
    def _new_frames(self) -> list[str]:
        """Return the next frames, after at most two seconds; set `_done` where they are the last."""


class RecordStream(EventStream):
    """The events of one record, until it is done."""

    def __init__(
        self, resource: Resource[Any], queries: JobQueries, record_id: str, owner: str, after: str
    ) -> None:
        super().__init__(after)
        self._resource = resource
        self._queries = queries
        self._record_id = record_id
        self._owner = owner

    def _new_frames(self) -> list[str]:
        record = self._resource.get(self._record_id, self._owner)
        # The record was read before the stream: if it is final, the stream already holds its last event.
        block = 0.0 if record.is_done else min(LOOK_SECONDS, self._watch.seconds_left())
        events = self._queries.events(
            self._record_id, after=self._after, block_seconds=block, alarm=self._watch.alarm
        )
        self._watch.check(ALARMED_SECONDS)
        frames = [text for event in events for text in self._frames_of(event)]
        self._after = events[-1].id if events else self._after
        if record.is_done and not events:
            self._done = True
            frames += self._last_frames(record)
        return frames

    def _frames_of(self, event: Event) -> list[str]:
        """Return what tells of an event."""
        return [frame(event.kind, event.id, json.dumps(self._public(event.data)))]

    def _last_frames(self, record: Any) -> list[str]:
        """Return what tells that the record is done, and how."""
        return [frame("done", self._after, self._resource.view(record).model_dump_json())]

    def _public(self, data: Any) -> dict[str, Any]:
        """Return an event's data with a preview's address in the place of its key in object storage."""
        public = {name: value for name, value in data.items() if name != "preview"}
        if "preview" in data:
            public["preview_url"] = self._resource.links.preview(self._record_id, data["preview"])
        return public


def frame(kind: str, event_id: str, data: str) -> str:
    """Return one event as the stream has it; `data` is one line."""
    return f"event: {kind}\nid: {event_id}\ndata: {data}\n\n"
