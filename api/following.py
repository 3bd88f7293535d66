"""The response with a job or a batch, and waiting for one."""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, Protocol, TypeAlias, TypeVar

from flask import Response, request

from api.key_watch import ALARMED_SECONDS, Watch
from api.requests.headers import preference
from api.responses.representation import json_response
from api.server.threads import LOOK_SECONDS, waits
from api.services import services
from shared.errors import StoreUnavailable
from shared.identifiers import sha256
from shared.jobs.queries import Alarm
from shared.jobs.rendering import Links
from shared.jobs.views import View

LONGEST_RETRY_SECONDS = 30
UNKNOWN_RETRY_SECONDS = 2


class Record(Protocol):
    """A job or a batch, as read from the store."""

    @property
    def id(self) -> str:
        """Unique among all jobs and batches."""

    @property
    def owner(self) -> str:
        """Who may see it."""

    @property
    def is_done(self) -> bool:
        """Whether nothing of it will change any more."""


R = TypeVar("R", bound=Record)
# Waits for a record's end so many seconds, or for an alarm; returns the record if it is done.
AwaitEnd: TypeAlias = Callable[[float, Alarm], R | None]


class Resource(Protocol[R]):
    """How the API reads and shows records of one kind. Made for one request: its links suit the client."""

    kind: str  # job or batch
    estimate: str  # the field of the view that holds `eta_seconds`
    links: Links

    def get(self, record_id: str, owner: str) -> R:
        """Return the owner's record; raise an error where there is none."""

    def view(self, record: R) -> View:
        """Return the record's representation."""

    def url(self, record_id: str) -> str:
        """Return where the record is."""

    def changes_silently(self, record: R) -> bool:
        """Whether something of the record may change without an event in its own stream."""

    def end_of(self, record: R) -> AwaitEnd[R] | None:
        """Return what waits for the record's end alone; None where other changes would end that wait too."""


def record_response(resource: Resource[R], record: R, status: int = 200) -> Response:
    """Return a record with its entity tag and, while it is not done, when to ask again."""
    view = resource.view(record)
    response = json_response(view, status, {"Cache-Control": "private, no-cache"})
    response.set_etag(*etag_of(view, resource.estimate))
    if not view.done:  # type: ignore[attr-defined]
        response.headers["Retry-After"] = str(_retry_after(view, resource.estimate))
    return response


def accepted_response(resource: Resource[R], record: R, *, created: bool) -> Response:
    """Return the response to a submission: 200 when it is done within the preferred wait, else 202."""
    wanted = preference()
    if wanted.wait_seconds:
        record = wait(resource, record, is_done, wanted.wait_seconds)
    response = record_response(resource, record, 200 if record.is_done else 202)
    response.headers["Location"] = resource.url(record.id)
    if wanted.applied:
        response.headers["Preference-Applied"] = wanted.applied
    if not created:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def etag_of(view: View, estimate: str) -> tuple[str, bool]:
    """Return the entity tag of a representation and whether it is a weak one.

    A time that counts down is no change, and ends no wait for a change, until it is a third shorter.
    """
    part = getattr(view, estimate)
    if part is None or part.eta_seconds is None:
        return _digest(view), False
    step = float(round(2 * math.log2(max(part.eta_seconds, 1))))
    return _digest(view.model_copy(update={estimate: part.model_copy(update={"eta_seconds": step})})), True


def _digest(view: View) -> str:
    return sha256(view.model_dump_json().encode())[:32]


def _retry_after(view: View, estimate: str) -> int:
    """Return the seconds after which asking again is worth it, 1 to 30."""
    part = getattr(view, estimate)
    if part is None:
        return 1
    eta_seconds: float | None = part.eta_seconds
    if eta_seconds is None:
        return UNKNOWN_RETRY_SECONDS
    return min(max(math.ceil(eta_seconds), 1), LONGEST_RETRY_SECONDS)


def is_done(record: Record) -> bool:
    """Whether the record is in its final state."""
    return record.is_done


def differs_from_known(resource: Resource[R], record: R) -> bool:
    """Whether the record's representation is none of those that the client has, by If-None-Match."""
    tag, _ = etag_of(resource.view(record), resource.estimate)
    return not request.if_none_match.contains_weak(tag)


def wait(resource: Resource[R], record: R, settled: Callable[[R], bool], seconds: float) -> R:
    """Return the record once settled; as it is when the time is over, the client left or the store is away.

    Where too many wait already, that is at once: the client will ask again. Raises KeyRefused or KeyMissing
    once the request's key is not valid any more.
    """
    waiting = waits()
    with waiting.place() as placed:
        if not placed:
            return record
        try:
            gone = partial(waiting.gone, request.environ)
            return _settled(resource, record, settled, seconds, gone, Watch())
        except StoreUnavailable:
            return record


def _settled(
    resource: Resource[R],
    record: R,
    settled: Callable[[R], bool],
    seconds: float,
    gone: Callable[[], bool],
    watch: Watch,
) -> R:
    deadline = time.monotonic() + seconds
    await_end = resource.end_of(record) if settled is is_done else None
    followed = _End(record, await_end) if await_end else _Changes(resource, record)
    while not settled(followed.record) and not gone():
        left = deadline - time.monotonic()
        if left < 0.001:
            break
        followed.wait(min(LOOK_SECONDS, left, watch.seconds_left()), watch.alarm)
        watch.check(ALARMED_SECONDS)
    return followed.record


class _End(Generic[R]):
    """A record of which nothing counts but its end."""

    def __init__(self, record: R, await_end: AwaitEnd[R]) -> None:
        self.record = record
        self._await_end = await_end

    def wait(self, seconds: float, alarm: Alarm) -> None:
        """Have the record as it is at its end, if that is within so many seconds and before an alarm."""
        self.record = self._await_end(seconds, alarm) or self.record


class _Changes(Generic[R]):
    """A record of which each change counts."""

    def __init__(self, resource: Resource[R], record: R) -> None:
        # Before the record is read again: no event in between is missed.
        self._after = services().queries.last_event_id(record.id)
        self._resource = resource
        self.record = resource.get(record.id, record.owner)

    def wait(self, seconds: float, alarm: Alarm) -> None:
        """Have the record as it is after its next event; as it is after so many seconds, or at an alarm."""
        name = self.record.id
        events = services().queries.events(name, after=self._after, block_seconds=seconds, alarm=alarm)
        if events:
            self._after = events[-1].id
        if events or self._resource.changes_silently(self.record):
            self.record = self._resource.get(name, self.record.owner)
