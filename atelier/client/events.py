"""Waiting for a job or a batch, by polling or by events over a stream that may break; and `client.events`."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

import httpx
from httpx_sse import EventSource

from atelier.client.batch import Batch
from atelier.client.errors import ClientError, reading
from atelier.client.job import Job
from atelier.client.responses import json_of
from atelier.client.retries import Patience
from atelier.client.transport import Resource, Transport

SILENCE_SECONDS = 45.0  # the service sends a comment every 15 s
LAST = "done"  # the kind of the event that none follows; it carries the job
LONG_POLL_SECONDS = 20.0  # how long the service may delay a response
OnProgress = Callable[[Job], None]
Work = TypeVar("Work", Job, Batch)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a job."""

    id: str  # grows within a job; resume after it
    kind: str  # state, progress, moved or done
    data: Mapping[str, Any]


def watch(transport: Transport, path: str, *, after: str = "") -> Iterator[Event]:
    """Yield the events of a stream up to its last one; raise ServiceUnreachable after two minutes' silence.

    A stream that breaks is opened again after the event that came last.
    """
    patience = Patience()
    while True:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        options: Any = {"read_seconds": SILENCE_SECONDS, "headers": headers}
        with patience.tolerate(), transport.stream(path, **options) as response:
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


class WaitTimeout(ClientError):
    """Raised when a job or batch was not done in the time given. It goes on, and `id` finds it again.

    `job`, or `batch`, is as it was last seen; None where the service never answered.
    """

    def __init__(self, id: str, *, job: Job | None = None, batch: Batch | None = None) -> None:
        self.id, self.job, self.batch = id, job, batch
        super().__init__(f"{id} was not done in time; it goes on")


def states(
    transport: Transport,
    path: str,
    read: Callable[[Any], Work],
    *,
    timeout_seconds: float | None,
    every_change: bool = False,
) -> Iterator[Work]:
    """Yield the job or batch at `path` until it is done or the time is over: as it is, then as it changes.

    Without `every_change` it may be left out until it is done. Where no time is given, raises
    ServiceUnreachable or ApiError after two minutes without a response; InvalidValue where it is no number.
    """
    patience = Patience(timeout_seconds)
    delay_seconds = 0.0 if every_change else LONG_POLL_SECONDS
    etag = ""
    while True:
        response = _poll(transport, path, patience, delay_seconds, etag)
        if response is not None:
            state = read(json_of(response))
            yield state
            if state.done:
                return
            if every_change:  # the tag delays the next response until the next change
                delay_seconds, etag = LONG_POLL_SECONDS, response.headers.get("ETag", "")
        if patience.remaining_seconds <= 0:
            return
        if response is None:  # a service that responds at once must not be flooded
            patience.pause()


def _poll(
    transport: Transport, path: str, patience: Patience, delay_seconds: float, etag: str
) -> httpx.Response | None:
    """Return what is new; None where nothing changed, or no response came."""
    seconds = max(0.0, min(delay_seconds, patience.remaining_seconds))
    with patience.tolerate():
        response = transport.poll(path, seconds, headers={"If-None-Match": etag} if etag else {})
        if response.status_code != httpx.codes.NOT_MODIFIED:
            return response
    return None


ChangeKind = Literal["job", "batch", "deleted", "reset"]


@dataclass(frozen=True, slots=True)
class Change:
    """A job or a batch that is new, has changed or is gone; or word that the lists must be read again."""

    kind: ChangeKind  # more may come; pass over those that you do not know
    place: str  # pass it as `after` to go on from here
    id: str = ""  # of the job or batch; "" of a reset
    status: str = ""  # "" of what was deleted, and of a reset
    done: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)  # of a batch, as those of Batch
    fraction: float | None = None  # 0..1 of a running job; None until it is known
    reason: str = ""  # of a reset: new or lost; of what was deleted: reclaimed where it went to make room
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document

    @property
    def is_reset(self) -> bool:
        """Whether what was before is not told: read the lists, then go on with the changes."""
        return self.kind == "reset"


class EventsResource(Resource):
    """What changes of the jobs and batches of one Atelier."""

    def follow(
        self,
        *,
        types: Iterable[Literal["job", "batch"]] | None = None,
        batch: str | None = None,
        owner: str | None = None,
        after: str = "",
    ) -> Iterator[Change]:
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
        for event in watch(self._transport, f"/v1/events{'?' if query else ''}{query}", after=after):
            yield change_from_event(event)


def change_from_event(event: Event) -> Change:
    """Read a change; raise ProtocolError where the event is none."""
    with reading("a change"):
        progress = event.data.get("progress") or {}
        kind: Any = event.kind
        return Change(
            kind=kind,
            place=event.id,
            id=str(event.data.get("id", "")),
            status=str(event.data.get("status", "")),
            done=bool(event.data.get("done")),
            counts=event.data.get("counts") or {},
            fraction=progress.get("fraction"),
            reason=str(event.data.get("reason") or ""),
            raw=event.data,
        )
