"""Responses that go on for long end with the key that opened them."""

from collections.abc import Iterable, Iterator
from typing import TypeVar, cast

from flask import Response, g

from api.auth import HOW, Identity, keys_of_app
from api.errors import KeyMissing, KeyRefused
from shared.access.table import FRESH_SECONDS
from shared.jobs.queries import Alarm

ENDED = (KeyMissing, KeyRefused)  # what ends a response that goes on
# After a wait that an alarm would have ended, keys need no reading; but a failover may take a change's alarm.
ALARMED_SECONDS = 5.0

Piece = TypeVar("Piece")


class Watch:
    """Watches the key of a response that goes on for long: it ends with its key. Made within the request."""

    def __init__(self) -> None:
        self._keys = keys_of_app()
        identity: Identity | None = g.get("identity")
        self._key = identity.key if identity else None
        self._is_watched = identity is not None and not identity.is_user

    @property
    def alarm(self) -> Alarm:
        """What ends a wait for events when any key changes."""
        version = self._keys.version
        return Alarm(self._keys.changes_key, version, lambda: self._keys.outdate(version))

    def check(self, seconds: float = FRESH_SECONDS) -> None:
        """Raise KeyRefused or KeyMissing if the request would not be let in now, by keys as of `seconds` ago.

        While the job store does not answer, what was known last holds: it cannot revoke a key either.
        """
        self._keys.look(seconds)  # also where nothing is watched: an alarm that rang must be heard once
        if not self._is_watched:
            return
        if self._key is None and self._keys.are_needed:
            raise KeyMissing(f"this service needs a key now: {HOW}")
        fault = self._keys.fault(self._key.id) if self._key else ""
        if fault:
            raise KeyRefused(fault)

    def seconds_left(self) -> float:
        """Return the seconds until the key expires."""
        return self._keys.seconds_left(self._key.id) if self._key else float("inf")


def watch_streams(response: Response) -> Response:
    """Have a response that is sent in pieces break off with its key."""
    if response.is_streamed:
        response.response = cast(Iterable[bytes], _watched(response.response, Watch()))
    return response


def _watched(pieces: Iterable[Piece], watch: Watch) -> Iterator[Piece]:
    for piece in pieces:
        watch.check()
        yield piece
