"""Follows one job by server-sent events, through every break, and writes down each event once."""

import time
from collections.abc import Callable
from itertools import takewhile

import httpx

from atelier.client.events import Event, events_of
from tests.chaos.clients.ledger import Entry

SILENCE_SECONDS = 17.0  # the service says something every 15
PAUSE_SECONDS = 0.3


def follow(url: str, entry: Entry, *, until: Callable[[], bool]) -> None:
    """Read a job's events until it is done or gone, or until there is no time left."""
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=2)
    with httpx.Client(base_url=url, timeout=timeout) as http:
        while not until():
            try:
                if _read(http, entry, until):
                    return
            except httpx.TransportError:
                pass
            time.sleep(PAUSE_SECONDS)


def _read(http: httpx.Client, entry: Entry, until: Callable[[], bool]) -> bool:
    """Read one connection's events from where the last one broke; return whether that was all."""
    headers = {"Last-Event-ID": entry.events[-1][0]} if entry.events else {}
    with http.stream("GET", f"/v1/jobs/{entry.id}/events", headers=headers) as response:
        if response.status_code in (404, 410):
            entry.events.append(("", "gone", {"status": response.status_code}))
            return True
        if not response.is_success:
            return False
        chunks = takewhile(lambda _: not until(), response.iter_bytes())  # a silent stream has comments
        stream = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=chunks)
        return any(_note(entry, event) for event in events_of(stream))


def _note(entry: Entry, event: Event) -> bool:
    entry.events.append((event.id, event.kind, event.data))
    return event.kind == "done"
