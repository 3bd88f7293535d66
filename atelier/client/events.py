"""A job followed by server-sent events, over a stream that may break."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource

from atelier.client.retries import Patience
from atelier.client.transport import Transport

SILENCE_SECONDS = 45.0  # the service sends a comment every 15 s
LAST = "done"  # the kind of the event that none follows; it carries the job


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a job."""

    id: str  # grows within a job; resume after it
    kind: str  # state, progress or done
    data: Mapping[str, Any]


def watch(transport: Transport, path: str, *, after: str = "") -> Iterator[Event]:
    """Yield the events of a stream up to its last one; raise ServiceUnreachable after two minutes' silence.

    A stream that breaks is opened again after the event that came last.
    """
    patience = Patience()
    while True:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        stream = transport.stream(path, read_seconds=SILENCE_SECONDS, headers=headers)
        with patience.tolerate(), stream as response:
            for event in events_of(response):
                after = event.id or after
                patience.note_response()
                yield event
                if event.kind == LAST:
                    return
        patience.pause()


def events_of(response: httpx.Response) -> Iterator[Event]:
    """Yield the events of one stream. Comments, and an event that the stream's end cuts off, are dropped."""
    for event in EventSource(response).iter_sse():
        if event.data:  # a comment that follows an event comes as that event's id with no data
            yield Event(event.id, event.event, _document(event.data))


def _document(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {"text": text}
    return body if isinstance(body, dict) else {"value": body}
