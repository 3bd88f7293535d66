"""Made from atelier/client/events.py by `make async-client`: change that file, not this one."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import Any, Literal
from urllib.parse import urlencode

import httpx
from httpx_sse import EventSource

from atelier.client.aio.retries import AsyncPatience
from atelier.client.aio.transport import AsyncResource, AsyncTransport
from atelier.client.events import (
    LAST,
    LONG_POLL_SECONDS,
    SILENCE_SECONDS,
    Change,
    Event,
    Work,
    _document,
    change_from_event,
)
from atelier.client.responses import json_of


async def watch(transport: AsyncTransport, path: str, *, after: str = "") -> AsyncGenerator[Event, None]:
    """Yield the events of a stream up to its last one; raise ServiceUnreachable after two minutes' silence.

    A stream that breaks is opened again after the event that came last.
    """
    patience = AsyncPatience()
    while True:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        options: Any = {"read_seconds": SILENCE_SECONDS, "headers": headers}
        with patience.tolerate():
            async with transport.stream(path, **options) as response:
                async with aclosing(events_of(response)) as stream:
                    async for event in stream:
                        after = event.id or after
                        patience.note_response()
                        yield event
                        if event.kind == LAST:
                            return
        await patience.pause()


async def events_of(response: httpx.Response) -> AsyncGenerator[Event, None]:
    """Yield the events of one stream. Comments, and an event that the stream's end cuts off, are dropped."""
    async with aclosing(EventSource(response).aiter_sse()) as stream:
        async for event in stream:
            if event.data:
                yield Event(event.id, event.event, _document(event.data))


async def states(
    transport: AsyncTransport,
    path: str,
    read: Callable[[Any], Work],
    *,
    timeout_seconds: float | None,
    every_change: bool = False,
) -> AsyncGenerator[Work, None]:
    """Yield the job or batch at `path` until it is done or the time is over: as it is, then as it changes.

    Without `every_change` it may be left out until it is done. Where no time is given, raises
    ServiceUnreachable or ApiError after two minutes without a response; InvalidValue where it is no number.
    """
    patience = AsyncPatience(timeout_seconds)
    delay_seconds = 0.0 if every_change else LONG_POLL_SECONDS
    etag = ""
    while True:
        response = await _poll(transport, path, patience, delay_seconds, etag)
        if response is not None:
            state = read(json_of(response))
            yield state
            if state.done:
                return
            if every_change:
                delay_seconds, etag = (LONG_POLL_SECONDS, response.headers.get("ETag", ""))
        if patience.remaining_seconds <= 0:
            return
        if response is None:
            await patience.pause()


async def _poll(
    transport: AsyncTransport, path: str, patience: AsyncPatience, delay_seconds: float, etag: str
) -> httpx.Response | None:
    """Return what is new; None where nothing changed, or no response came."""
    seconds = max(0.0, min(delay_seconds, patience.remaining_seconds))
    with patience.tolerate():
        response = await transport.poll(path, seconds, headers={"If-None-Match": etag} if etag else {})
        if response.status_code != httpx.codes.NOT_MODIFIED:
            return response
    return None


class AsyncEventsResource(AsyncResource):
    """What changes of the jobs and batches of one Atelier."""

    async def follow(
        self,
        *,
        types: Iterable[Literal["job", "batch"]] | None = None,
        batch: str | None = None,
        owner: str | None = None,
        after: str = "",
    ) -> AsyncGenerator[Change, None]:
        """Yield what changes of all your jobs and batches, without an end; of items, their batch's counts.

        The first is a reset, unless `after` is the place of a change that the service still knows: open the
        stream, and read the lists when the reset comes, so that nothing falls in between. A stream that
        breaks is opened again where it was. Where changes were lost meanwhile, there is a reset again.

        Changes that follow each other quickly come as one, with the latest state. `types` and `batch` choose
        what is told; `owner` is another owner, with an admin's key. Raises ApiError where the key is refused,
        and ServiceUnreachable after two minutes without a response.
        """
        given = {"types": ",".join(types) if types else None, "batch": batch, "owner": owner}
        query = urlencode({name: text for name, text in given.items() if text})
        async with aclosing(
            watch(self._transport, f"/v1/events{('?' if query else '')}{query}", after=after)
        ) as stream:
            async for event in stream:
                yield change_from_event(event)
