"""Made from atelier/client/queue/workers.py by `make async-client`: change that file, not this one."""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import quote

from atelier.client.aio.transport import AsyncResource
from atelier.client.errors import reading
from atelier.client.queue.workers import POLL_SECONDS, Worker, _worker
from atelier.client.responses import json_of


class AsyncWorkersResource(AsyncResource):
    """The workers of one Atelier. A key needs the scope `admin`, to list them `metrics`."""

    async def list(self) -> tuple[Worker, ...]:
        """Return the workers that live, and those that are cordoned, by name."""
        found = json_of(await self._transport.send("GET", "/v1/workers"))
        with reading("workers"):
            return tuple(_worker(body) for body in found["data"])

    async def cordon(self, name: str, *, reason: str = "") -> Worker:
        """Let a worker claim no more jobs; what it runs goes on. Raises ApiError (404) for no worker."""
        return await self._posted(name, "cordon", reason)

    async def drain(self, name: str, *, reason: str = "") -> Worker:
        """As `cordon`, to stop the worker once it runs nothing: `wait_drained` waits for that."""
        return await self._posted(name, "drain", reason)

    async def uncordon(self, name: str) -> Worker:
        """Let a worker claim jobs again."""
        return await self._posted(name, "uncordon")

    async def wait_drained(
        self,
        names: Collection[str],
        *,
        timeout_seconds: float | None = None,
        on_change: Callable[[tuple[Worker, ...]], None] = lambda _: None,
    ) -> tuple[Worker, ...]:
        """Wait until workers run nothing; return them as they are then, or when the time is over.

        `on_change` gets them at first, and whenever one runs another number of jobs.
        """
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        known: tuple[int, ...] | None = None
        while True:
            workers = tuple(worker for worker in await self.list() if worker.name in names)
            counts = tuple(worker.running for worker in workers)
            if counts != known:
                known = counts
                on_change(workers)
            is_late = deadline is not None and time.monotonic() >= deadline
            if not any(counts) or is_late:
                return workers
            await asyncio.sleep(POLL_SECONDS)

    async def _posted(self, name: str, move: str, reason: str = "") -> Worker:
        body: dict[str, Any] = {"json": {"reason": reason}} if reason else {}
        path = f"/v1/workers/{quote(name, safe='')}/{move}"
        found = json_of(await self._transport.send("POST", path, **body))
        with reading("a worker"):
            return _worker(found)
