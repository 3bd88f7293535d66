"""Following a job's events over a stream that may break: it is taken up again after the last event seen."""

import time
from collections.abc import Iterator

from atelier.client.errors import ApiError, ServiceUnreachable
from atelier.client.events import Event, parse
from atelier.client.retries import may_pass
from atelier.client.transport import Transport

SILENCE_SECONDS = 45.0  # the service sends a comment every 15 s
RECONNECT_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
LAST = "done"  # the kind of the event that none follows; it carries the job


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
