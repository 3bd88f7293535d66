"""A batch on the client's side: its results as they come, and what can be done with it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import httpx

from atelier.client.batch import Batch, BatchItem, batch_from_json, item_from_json
from atelier.client.downloads import NotSaved, Saved, check_digest, path_of, save_each
from atelier.client.errors import reading
from atelier.client.events import LONG_POLL_SECONDS, WaitTimeout, states
from atelier.client.job import Job, Status, job_from_json
from atelier.client.queue.pauses import pause_end
from atelier.client.request_parts import Lane, QueueEnd, move_body
from atelier.client.responses import json_of
from atelier.client.retries import Patience
from atelier.client.transport import Transport

PAGE_SIZE = 200  # results a request
SEND_SECONDS = 120.0  # the service checks every item before it responds
LINES = {"Content-Type": "application/jsonl"}
FEW = 50  # results on a page: the service has no more yet, and the next request can wait


class BatchRun:
    """One batch. Iterating yields the result of every item as soon as the item ends.

    An iteration that was interrupted goes on where it stopped: `after` counts the results that it yielded.
    It ends where the batch pauses after its `sample`, too: after `resume`, iterate again for the rest.
    """

    def __init__(self, transport: Transport, batch: Batch, *, after: int = 0) -> None:
        self._transport = transport
        self.batch = batch  # as in the service's last response
        self.after = after  # keep it, with the id, to go on later

    @property
    def id(self) -> str:
        """The batch's id."""
        return self.batch.id

    def __iter__(self) -> Iterator[BatchItem]:
        """Yield results to the last; raise ServiceUnreachable after two minutes without a response."""
        for page in self._pages():
            for item in page:
                self.after += 1
                yield item

    def pages(self) -> Iterator[list[BatchItem]]:
        """Yield the results in the lists in which they come; an empty one where none came for 20 seconds.

        So a caller can look at the batch meanwhile, which may be paused. Raises as an iteration does.
        """
        for page in self._pages():
            self.after += len(page)
            yield page

    def _pages(self) -> Iterator[list[BatchItem]]:
        """Yield lists of results; one that is taken is counted in `after` before the next."""
        patience = Patience()
        while True:
            response = None
            with patience.tolerate():
                response = self._next_results()
            if response is None:
                patience.pause()
                continue
            page = json_of(response)
            with reading("a page of results"):
                entries, done = list(page["data"]), bool(page["done"])
            yield [item_from_json(entry) for entry in entries]
            if done or (self._shows_sample and not entries):
                return
            if len(entries) < FEW:
                patience.pause()

    def _next_results(self) -> httpx.Response:
        if self.batch.sample is not None:
            self.refresh()
        query = {"after": self.after, "limit": PAGE_SIZE}
        seconds = 0 if self._shows_sample else LONG_POLL_SECONDS
        return self._transport.poll(self._path("/finished"), seconds, params=query)

    @property
    def _shows_sample(self) -> bool:
        """Whether the batch pauses after its sample, so that no further result will come."""
        return self.batch.stopped_by == "sample"

    def _path(self, rest: str = "") -> str:
        return f"/v1/batches/{quote(self.id, safe='')}{rest}"

    def refresh(self) -> Batch:
        """Return the batch as it is now: counts, rate, time left."""
        self.batch = batch_from_json(json_of(self._transport.send("GET", self._path())))
        return self.batch

    def wait(self, *, timeout_seconds: float | None = None) -> Batch:
        """Return the batch when every item is done; raise WaitTimeout, with the batch as last seen.

        A service that restarts meanwhile is waited for: raises ServiceUnreachable after two minutes without a
        response where no time was given.
        """
        batch = None
        for batch in states(self._transport, self._path(), batch_from_json, timeout_seconds=timeout_seconds):
            self.batch = batch
        if batch is None or not batch.done:
            raise WaitTimeout(self.id, batch=self.batch)
        return batch

    def append(self, lines: bytes, *, first: int) -> None:
        """Add items to an open batch, as lines of JSON; the first of them gets the index `first`.

        Sent again, after a lost response, they change nothing. Raises ApiError with every fault by item.
        """
        parts: dict[str, Any] = {"content": lines, "params": {"first": first}, "headers": LINES}
        self._transport.send("POST", self._path("/items"), read_seconds=SEND_SECONDS, **parts)

    def finalize(self) -> Batch:
        """Close an open batch: it has all of its items."""
        return self._moved("finalize")

    def jobs(self, *, status: Status | None = None) -> Iterator[Job]:
        """Yield the items as jobs, by index; of an item that was tried again, the latest job."""
        query = {"limit": PAGE_SIZE, **({"status": status} if status else {})}
        return self._transport.entries(self._path("/items"), job_from_json, query)

    def job_fields(
        self, fields: Iterable[str], *, status: Status | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Yield these fields alone of the items' jobs, by index, as JSON has them: cheap for pollers."""
        query = {"limit": PAGE_SIZE, **({"status": status} if status else {})}
        return self._transport.light_entries(self._path("/items"), fields, query)

    def pause(
        self,
        *,
        reason: str | None = None,
        until: datetime | None = None,
        for_seconds: int | None = None,
    ) -> Batch:
        """Start no further item until `resume`, or until a time with a zone, or for some seconds.

        The batch shows the reason. Another pause replaces the reason and the end. Raises InvalidValue for a
        time without a zone.
        """
        given = {} if reason is None else {"reason": reason}
        return self._moved("pause", json={**given, **pause_end(until, for_seconds)})

    def resume(self) -> Batch:
        """Go on after a pause."""
        return self._moved("resume")

    def move(self, *, to: QueueEnd | None = None, lane: Lane | None = None) -> Batch:
        """Move what waits to the "front" or "back" of its owner's queue, into another lane, or both."""
        return self._moved("move", json=move_body(to, lane))

    def cancel(self) -> Batch:
        """Cancel every item that is not done."""
        return self._moved("cancel")

    def pin(self) -> Batch:
        """Keep the batch, its items and their pictures until it is unpinned or deleted."""
        return self._moved("pin")

    def unpin(self) -> Batch:
        """Let the batch expire again: if it is done, its time to live begins now."""
        return self._moved("unpin")

    def retry_failed(self) -> int:
        """Run every item again that failed or expired; return how many. New results come as further ones."""
        found = json_of(self._transport.send("POST", self._path("/retry-failed")))
        with reading("a count of items"):
            return int(found["count"])

    def delete(self) -> None:
        """Forget a batch that is done, with its items and their pictures."""
        self._transport.send("DELETE", self._path())

    def download(self, item: BatchItem, number: int = 0) -> bytes:
        """Return the bytes of one of an item's pictures, checked."""
        output = item.outputs[number].output
        return check_digest(self._transport.fetch(path_of(item.id, output)), output)

    def save(self, folder: str | Path, *, connections: int = 4) -> Iterator[Saved]:
        """Write every picture below a folder as soon as its item ends; yield each item with its files.

        Files are named after the custom ids. One that exists already, with the right bytes, is left as it is,
        so that an interrupted run goes on without downloading twice. Nothing happens until you iterate.

        A picture that cannot be saved stops no other; raises NotSaved with all of them after the last item.
        """
        missing = []
        for entry in save_each(self, self.download, Path(folder), connections):
            missing += [entry] if entry.fault else []
            yield entry
        if missing:
            raise NotSaved(missing)

    def contact_sheet(
        self, *, columns: int = 10, side: int = 128, limit: int = 100, format: Literal["jpeg", "png"] = "jpeg"
    ) -> bytes:
        """Return one picture of the first `limit` items that succeeded, each `side` pixels high and wide."""
        layout = {"columns": columns, "side": side, "limit": limit, "format": format}
        return self._transport.send("GET", self._path("/contact-sheet"), params=layout).content

    def _moved(self, move: str, **parts: Any) -> Batch:
        self.batch = batch_from_json(json_of(self._transport.send("POST", self._path(f"/{move}"), **parts)))
        return self.batch
