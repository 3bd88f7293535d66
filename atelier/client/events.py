"""Server-sent events, and a job followed by them over a stream that may break."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from atelier.client.errors import ApiError, ServiceUnreachable
from atelier.client.transport import Transport, may_pass

SILENCE_SECONDS = 45.0  # the service sends a comment every 15 s
RECONNECT_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
LAST = "done"  # the kind of the event that none follows; it carries the job


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a job."""

    id: str  # grows within a job; resume after it
    kind: str  # state, progress or done
    data: Mapping[str, Any]


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events of a stream; comments, and an event that the stream's end cuts off, are dropped."""
    last_id, kind, data = "", "", list[str]()
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Event(last_id, kind or "message", _document("\n".join(data)))
            kind, data = "", []
        elif name == "id":
            last_id = value
        elif name == "event":
            kind = value
        elif name == "data":
            data.append(value)


def _document(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {"text": text}
    return body if isinstance(body, dict) else {"value": body}


def watch(transport: Transport, job_id: str, *, after: str = "") -> Iterator[Event]:
    """Yield a job's events up to its last; raise ServiceUnreachable after two minutes without an answer."""
    heard = time.monotonic()
    while True:
        try:
            for event in _once(transport, job_id, after):
                after, heard = event.id or after, time.monotonic()
                yield event
                if event.kind == LAST:
                    return
            heard = time.monotonic()
        except (ServiceUnreachable, ApiError) as error:
            if not may_pass(error):
                raise
            if time.monotonic() - heard > PATIENCE_SECONDS:
                raise
        time.sleep(RECONNECT_SECONDS)


def _once(transport: Transport, job_id: str, after: str) -> Iterator[Event]:
    headers = {"Accept": "text/event-stream"}
    if after:
        headers["Last-Event-ID"] = after
    with transport.stream(
        f"/v1/jobs/{job_id}/events", read_seconds=SILENCE_SECONDS, headers=headers
    ) as response:
        yield from parse(response.iter_lines())
