"""Threads that wait for disks and networks; one thread alone handles their results."""

import threading
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

Inbox = SimpleQueue[Callable[[], None]]  # calls for the one thread
Found = TypeVar("Found")


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
