"""Fetches pictures for requests: one event loop for all threads, each fetch bounded in time and bytes."""

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from itertools import islice

from shared.identifiers import ANONYMOUS
from shared.network.guarded_client import GuardedClient, NotReached
from shared.network_settings import FetchSettings

PARALLEL = 4  # fetches of one request at once: so many pictures are in memory
USER_AGENT = f"Atelier/{version('atelier-service')} (pictures)"


class Slots:
    """Places of which one owner has half at most: his slow addresses hold up nobody else's requests."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken: Counter[str] = Counter()  # by owner
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, owner: str) -> Iterator[bool]:
        """Occupy a place, if one is free for this owner; yield whether it was."""
        is_free = self._take(owner)
        try:
            yield is_free
        finally:
            if is_free:
                self._give_back(owner)

    def _take(self, owner: str) -> bool:
        # Where there are no keys, all requests are one owner's.
        most = self._count if owner == ANONYMOUS else max(1, self._count // 2)
        with self._lock:
            is_free = self._taken.total() < self._count and self._taken[owner] < most
            self._taken[owner] += is_free
            return is_free

    def _give_back(self, owner: str) -> None:
        with self._lock:
            self._taken[owner] -= 1
            self._taken += Counter()  # forgets owners that have none


class Fetcher:
    """Fetches for several threads at once. The first fetch starts its loop, which ends with the process."""

    def __init__(self, settings: FetchSettings, *, requests_at_once: int) -> None:
        self._settings = settings
        self._slots = Slots(requests_at_once)
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: GuardedClient | None = None

    def slot(self, owner: str) -> AbstractContextManager[bool]:
        """Occupy a place for requests that fetch, if one is free for this owner; yield whether it was."""
        return self._slots.taken(owner)

    def fetch(self, urls: Sequence[str], *, most_bytes: int) -> Iterator[bytes | NotReached]:
        """Yield the bytes that each URL leads to, in order, or why there are none.

        All of them together have the time of two.
        """
        deadline = time.monotonic() + 2 * self._settings.timeout_seconds
        most = min(most_bytes, self._settings.max_bytes)
        waiting: deque[Future[bytes]] = deque()
        rest = iter(urls)
        try:
            waiting.extend(self._begin(url, deadline, most) for url in islice(rest, PARALLEL))
            while waiting:
                yield _result(waiting.popleft())
                waiting.extend(self._begin(url, deadline, most) for url in islice(rest, 1))
        finally:
            for future in waiting:
                future.cancel()

    def _begin(self, url: str, deadline: float, most: int) -> Future[bytes]:
        seconds = min(self._settings.timeout_seconds, max(0.0, deadline - time.monotonic()))
        return asyncio.run_coroutine_threadsafe(self._get(url, seconds, most), self._running_loop())

    async def _get(self, url: str, seconds: float, most: int) -> bytes:
        if seconds <= 0:
            raise NotReached("not fetched: the time for all pictures of the request is over")
        if self._client is None:
            self._client = GuardedClient(user_agent=USER_AGENT)
        private = self._settings.allow_private
        answer = await self._client.get(url, private=private, seconds=seconds, most_bytes=most)
        if answer.status != 200:
            raise NotReached(f"answered {answer.status}")
        return answer.body

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="fetches", daemon=True).start()
            return self._loop


def _result(future: Future[bytes]) -> bytes | NotReached:
    try:
        return future.result()
    except NotReached as fault:
        return fault
