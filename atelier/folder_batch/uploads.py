"""Uploads pictures to the service from several threads, each once, and only where it does not have it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.files import id_of

Inbox = SimpleQueue[Callable[[], None]]  # calls for the one thread
Found = TypeVar("Found")
HTTP_NOT_FOUND = 404
SOON = timedelta(hours=1)  # a file that expires within this time is sent again, which renews it


class WorkQueue:
    """A few threads that work off a queue. They are daemons: they end with the process."""

    def __init__(self, inbox: Inbox, threads: int, name: str) -> None:
        self._inbox = inbox
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._in_flight = 0
        for number in range(threads):
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True).start()

    @property
    def busy(self) -> bool:
        """Whether work waits or runs, or its result is not handled yet."""
        return self._in_flight > 0

    def put(self, work: Callable[[], Found], then: Callable[[Found], Any]) -> None:
        """Have a thread do the work, and the reader of the inbox call `then`; an error is raised there."""
        self._count(1)
        self._work.put(partial(self._carry_out, work, then))

    def drop(self) -> None:
        """Drop all work that has not begun."""
        while True:
            try:
                self._work.get_nowait()
            except Empty:
                return
            self._count(-1)

    def _run(self) -> None:
        while True:
            self._work.get()()

    def _carry_out(self, work: Callable[[], Found], then: Callable[[Found], Any]) -> None:
        try:
            found = work()
        except BaseException as error:  # noqa: BLE001  # it is raised where the inbox is read
            self._inbox.put(partial(self._handle, partial(reraise, error)))
        else:
            self._inbox.put(partial(self._handle, partial(then, found)))

    def _handle(self, then: Callable[[], Any]) -> None:
        try:
            then()
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self._in_flight += change


def reraise(error: BaseException) -> None:
    """Raise an error of another thread in this one."""
    raise error


class Uploads:
    """The files that this run has ensured. Several threads may ask for the same one at once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._known: dict[str, Future[None]] = {}
        self.sent = 0  # files that the service did not have

    def ensure(self, data: bytes, *, recheck: bool = False) -> str:
        """Return the id of a file that the service has; raise ApiError where it refuses it.

        `recheck` asks the service also where this run has done so before: it may have forgotten the file.
        """
        name = id_of(data)
        with self._lock:
            if recheck:
                self._known.pop(name, None)
            mine = name not in self._known
            future = self._known.setdefault(name, Future())
        if mine:
            self._settle(future, lambda: self._upload(name, data))
        future.result()
        return name

    @staticmethod
    def _settle(future: Future[None], work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # raised in every thread that waits for the file
            future.set_exception(error)
        else:
            future.set_result(None)

    def _upload(self, name: str, data: bytes) -> None:
        if self._is_there(name):
            return
        self._client.files.upload(data)
        with self._lock:
            self.sent += 1

    def _is_there(self, name: str) -> bool:
        try:
            until = self._client.files.expires_at(name)
        except ApiError as error:
            if error.status == HTTP_NOT_FOUND:
                return False
            raise
        return until is None or until > datetime.now(UTC) + SOON
