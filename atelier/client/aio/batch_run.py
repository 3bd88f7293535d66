"""Made from atelier/client/batch_run.py by `make async-client`: change that file, not this one."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import httpx

from atelier.client.aio.downloads import save_each
from atelier.client.aio.events import states
from atelier.client.aio.retries import AsyncPatience
from atelier.client.aio.transport import AsyncTransport
from atelier.client.batch import Batch, BatchItem, batch_from_json, item_from_json
from atelier.client.batch_run import FEW, LINES, PAGE_SIZE, SEND_SECONDS
from atelier.client.downloads import NotSaved, Saved, check_digest, path_of
from atelier.client.errors import reading
from atelier.client.events import LONG_POLL_SECONDS, WaitTimeout
from atelier.client.job import Job, Status, job_from_json
from atelier.client.queue.pauses import pause_end
from atelier.client.request_parts import Lane, QueueEnd, move_body
from atelier.client.responses import json_of


class AsyncBatchRun:
    """One batch. Iterating yields the result of every item as soon as the item ends.

    An iteration that was interrupted goes on where it stopped: `after` counts the results that it yielded.
    It ends where the batch pauses after its `sample`, too: after `resume`, iterate again for the rest.
    """

    def __init__(self, transport: AsyncTransport, batch: Batch, *, after: int = 0) -> None:
        self._transport = transport
        self.batch = batch
        self.after = after

    @property
    def id(self) -> str:
        """The batch's id."""
        return self.batch.id

    async def __aiter__(self) -> AsyncGenerator[BatchItem, None]:
        """Yield results to the last; raise ServiceUnreachable after two minutes without a response."""
        async with aclosing(self._pages()) as stream:
            async for page in stream:
                for item in page:
                    self.after += 1
                    yield item

    async def pages(self) -> AsyncGenerator[list[BatchItem], None]:
        """Yield the results in the lists in which they come; an empty one where none came for 20 seconds.

        So a caller can look at the batch meanwhile, which may be paused. Raises as an iteration does.
        """
        async with aclosing(self._pages()) as stream:
            async for page in stream:
                self.after += len(page)
                yield page

    async def _pages(self) -> AsyncGenerator[list[BatchItem], None]:
        """Yield lists of results; one that is taken is counted in `after` before the next."""
        patience = AsyncPatience()
        while True:
            response = None
            with patience.tolerate():
                response = await self._next_results()
            if response is None:
                await patience.pause()
                continue
            page = json_of(response)
            with reading("a page of results"):
                entries, done = (list(page["data"]), bool(page["done"]))
            yield [item_from_json(entry) for entry in entries]
            if done or (self._shows_sample and (not entries)):
                return
            if len(entries) < FEW:
                await patience.pause()

    async def _next_results(self) -> httpx.Response:
        if self.batch.sample is not None:
            await self.refresh()
        query = {"after": self.after, "limit": PAGE_SIZE}
        seconds = 0 if self._shows_sample else LONG_POLL_SECONDS
        return await self._transport.poll(self._path("/finished"), seconds, params=query)

    @property
    def _shows_sample(self) -> bool:
        """Whether the batch pauses after its sample, so that no further result will come."""
        return self.batch.stopped_by == "sample"

    def _path(self, rest: str = "") -> str:
        return f"/v1/batches/{quote(self.id, safe='')}{rest}"

    async def refresh(self) -> Batch:
        """Return the batch as it is now: counts, rate, time left."""
        self.batch = batch_from_json(json_of(await self._transport.send("GET", self._path())))
        return self.batch

    async def wait(self, *, timeout_seconds: float | None = None) -> Batch:
        """Return the batch when every item is done; raise WaitTimeout, with the batch as last seen.

        A service that restarts meanwhile is waited for: raises ServiceUnreachable after two minutes without a
        response where no time was given.
        """
        batch = None
        async with aclosing(
            states(self._transport, self._path(), batch_from_json, timeout_seconds=timeout_seconds)
        ) as stream:
            async for batch in stream:
                self.batch = batch
        if batch is None or not batch.done:
            raise WaitTimeout(self.id, batch=self.batch)
        return batch

    async def append(self, lines: bytes, *, first: int) -> None:
        """Add items to an open batch, as lines of JSON; the first of them gets the index `first`.

        Sent again, after a lost response, they change nothing. Raises ApiError with every fault by item.
        """
        parts: dict[str, Any] = {"content": lines, "params": {"first": first}, "headers": LINES}
        await self._transport.send("POST", self._path("/items"), read_seconds=SEND_SECONDS, **parts)

    async def finalize(self) -> Batch:
        """Close an open batch: it has all of its items."""
        return await self._moved("finalize")

    def jobs(self, *, status: Status | None = None) -> AsyncGenerator[Job, None]:
        """Yield the items as jobs, by index; of an item that was tried again, the latest job."""
        query = {"limit": PAGE_SIZE, **({"status": status} if status else {})}
        return self._transport.entries(self._path("/items"), job_from_json, query)

    def job_fields(
        self, fields: Iterable[str], *, status: Status | None = None
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yield these fields alone of the items' jobs, by index, as JSON has them: cheap for pollers."""
        query = {"limit": PAGE_SIZE, **({"status": status} if status else {})}
        return self._transport.light_entries(self._path("/items"), fields, query)

    async def pause(
        self, *, reason: str | None = None, until: datetime | None = None, for_seconds: int | None = None
    ) -> Batch:
        """Start no further item until `resume`, or until a time with a zone, or for some seconds.

        The batch shows the reason. Another pause replaces the reason and the end. Raises InvalidValue for a
        time without a zone.
        """
        given = {} if reason is None else {"reason": reason}
        return await self._moved("pause", json={**given, **pause_end(until, for_seconds)})

    async def resume(self) -> Batch:
        """Go on after a pause."""
        return await self._moved("resume")

    async def move(self, *, to: QueueEnd | None = None, lane: Lane | None = None) -> Batch:
        """Move what waits to the "front" or "back" of its owner's queue, into another lane, or both."""
        return await self._moved("move", json=move_body(to, lane))

    async def cancel(self) -> Batch:
        """Cancel every item that is not done."""
        return await self._moved("cancel")

    async def pin(self) -> Batch:
        """Keep the batch, its items and their pictures until it is unpinned or deleted."""
        return await self._moved("pin")

    async def unpin(self) -> Batch:
        """Let the batch expire again: if it is done, its time to live begins now."""
        return await self._moved("unpin")

    async def retry_failed(self) -> int:
        """Run every item again that failed or expired; return how many. New results come as further ones."""
        found = json_of(await self._transport.send("POST", self._path("/retry-failed")))
        with reading("a count of items"):
            return int(found["count"])

    async def delete(self) -> None:
        """Forget a batch that is done, with its items and their pictures."""
        await self._transport.send("DELETE", self._path())

    async def download(self, item: BatchItem, number: int = 0) -> bytes:
        """Return the bytes of one of an item's pictures, checked."""
        output = item.outputs[number].output
        return check_digest(await self._transport.fetch(path_of(item.id, output)), output)

    async def save(self, folder: str | Path, *, connections: int = 4) -> AsyncGenerator[Saved, None]:
        """Write every picture below a folder as soon as its item ends; yield each item with its files.

        Files are named after the custom ids. One that exists already, with the right bytes, is left as it is,
        so that an interrupted run goes on without downloading twice. Nothing happens until you iterate.

        A picture that cannot be saved stops no other; raises NotSaved with all of them after the last item.
        """
        missing = []
        async with aclosing(save_each(self, self.download, Path(folder), connections)) as stream:
            async for entry in stream:
                missing += [entry] if entry.fault else []
                yield entry
        if missing:
            raise NotSaved(missing)

    async def contact_sheet(
        self, *, columns: int = 10, side: int = 128, limit: int = 100, format: Literal["jpeg", "png"] = "jpeg"
    ) -> bytes:
        """Return one picture of the first `limit` items that succeeded, each `side` pixels high and wide."""
        layout = {"columns": columns, "side": side, "limit": limit, "format": format}
        return (await self._transport.send("GET", self._path("/contact-sheet"), params=layout)).content

    async def _moved(self, move: str, **parts: Any) -> Batch:
        self.batch = batch_from_json(
            json_of(await self._transport.send("POST", self._path(f"/{move}"), **parts))
        )
        return self.batch
