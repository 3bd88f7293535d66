"""Threads for what waits on disks and networks; what they find is handled by one thread alone."""

import threading
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

Inbox = SimpleQueue[Callable[[], None]]  # what the one thread has to do
Found = TypeVar("Found")


class WorkQueue:
    """A few threads that work off a queue. They end with the process, whatever they wait for."""

    def __init__(self, inbox: Inbox, threads: int, name: str) -> None:
        self._inbox = inbox
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._under_way = 0
        for number in range(threads):
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True).start()

    @property
    def busy(self) -> bool:
        """Whether work waits, goes on, or ended a moment ago and is not handled yet."""
        return self._under_way > 0

    def put(self, work: Callable[[], Found], then: Callable[[Found], Any]) -> None:
        """Have a thread do the work, and the inbox's owner what follows. An error is raised there."""
        self._count(1)
        self._work.put(partial(self._carry_out, work, then))

    def drop(self) -> None:
        """Forget all work that has not begun."""
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
            self._inbox.put(partial(self._handle, partial(_raise, error)))
        else:
            self._inbox.put(partial(self._handle, partial(then, found)))

    def _handle(self, then: Callable[[], Any]) -> None:
        try:
            then()
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self._under_way += change


def _raise(error: BaseException) -> None:
    raise error
