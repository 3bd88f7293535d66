"""A batch on the client's side: its results as they come, and what can be done with it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import httpx

from atelier.client.batch import Batch, BatchItem, batch_from_json, item_from_json
from atelier.client.batch_download import NotSaved, Saved, saved
from atelier.client.downloads import check_digest
from atelier.client.errors import ApiError, ServiceUnreachable, WaitTimeout, reading
from atelier.client.job import Job, Status, job_from_json
from atelier.client.json_body import check_seconds
from atelier.client.polling import LATE_SECONDS, LONG_POLL_SECONDS, PATIENCE_SECONDS, PAUSE_SECONDS
from atelier.client.transport import Transport, json_of, may_pass

PAGE_SIZE = 200  # results a request
SEND_SECONDS = 120.0  # the service checks every item before it answers
LINES = {"Content-Type": "application/jsonl"}
FEW = 50  # on a page: the service has no more at once, and need not be asked at once


class BatchRun:
    """One batch. Iterating gives every item's result as soon as it is there, in the order of their ends.

    An iteration that is left, or broken off, goes on where it was: `after` counts the results that it gave.
    """

    def __init__(self, transport: Transport, batch: Batch, *, after: int = 0) -> None:
        self._transport = transport
        self.batch = batch  # as it was when the service last told
        self.after = after  # keep it, with the id, to go on later

    @property
    def id(self) -> str:
        """The batch's id."""
        return self.batch.id

    def __iter__(self) -> Iterator[BatchItem]:
        """Yield results to the last; raise ServiceUnreachable after two minutes without an answer."""
        heard = time.monotonic()
        while True:
            page = self._page(heard)
            if page is None:
                time.sleep(PAUSE_SECONDS)
                continue
            heard = time.monotonic()
            with reading("a page of results"):
                entries, done = list(page["data"]), bool(page["done"])
            for entry in entries:
                self.after += 1
                yield item_from_json(entry)
            if done:
                return
            if len(entries) < FEW:
                time.sleep(PAUSE_SECONDS)

    def _page(self, heard: float) -> Any | None:
        """Return the next results; None where there is no answer now."""
        query = {"after": self.after, "limit": PAGE_SIZE, "wait": f"{LONG_POLL_SECONDS:.0f}"}
        try:
            return json_of(self._ask("GET", "/finished", LONG_POLL_SECONDS, params=query))
        except (ServiceUnreachable, ApiError) as error:
            if not may_pass(error):
                raise
            if time.monotonic() - heard > PATIENCE_SECONDS:
                raise
            return None

    def _ask(self, method: str, path: str, seconds: float, **parts: Any) -> httpx.Response:
        late = seconds + min(LATE_SECONDS, self._transport.timeout_seconds)
        return self._transport.send(method, self._path(path), read_seconds=late, retries=0, **parts)

    def _path(self, rest: str = "") -> str:
        return f"/v1/batches/{quote(self.id, safe='')}{rest}"

    def refresh(self) -> Batch:
        """Return the batch as it is now: counts, rate, time left."""
        self.batch = batch_from_json(json_of(self._transport.send("GET", self._path())))
        return self.batch

    def wait(self, *, timeout_seconds: float | None = None) -> Batch:
        """Return the batch when every item is done; raise WaitTimeout."""
        check_seconds(timeout_seconds, "timeout_seconds")
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not self.refresh().done:
            left = LONG_POLL_SECONDS if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeout(self.id, batch=self.batch)
            seconds = min(LONG_POLL_SECONDS, left)
            query = {"wait": f"{seconds:.3f}"}
            self._transport.send("GET", self._path(), read_seconds=seconds + LATE_SECONDS, params=query)
        return self.batch

    def append(self, lines: bytes, *, first: int) -> None:
        """Add items to an open batch, as lines of JSON; the first of them gets the index `first`.

        Sent again, after an answer was lost, they change nothing. Raises ApiError with every fault by item.
        """
        parts: dict[str, Any] = {"content": lines, "params": {"first": first}, "headers": LINES}
        self._transport.send("POST", self._path("/items"), read_seconds=SEND_SECONDS, **parts)

    def finalize(self) -> Batch:
        """Say that an open batch has all of its items."""
        return self._moved("finalize")

    def jobs(self, *, status: Status | None = None) -> Iterator[Job]:
        """Yield the items as jobs, by index; of an item that was tried again, the latest job."""
        query: dict[str, Any] = {"limit": PAGE_SIZE, **({"status": status} if status else {})}
        for page in self._transport.pages(self._path("/items"), query):
            yield from (job_from_json(entry) for entry in page["data"])

    def pause(self) -> Batch:
        """Start no further item."""
        return self._moved("pause")

    def resume(self) -> Batch:
        """Go on after a pause."""
        return self._moved("resume")

    def cancel(self) -> Batch:
        """Cancel every item that is not done."""
        return self._moved("cancel")

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
        return check_digest(self._transport.send("GET", output.url).content, output)

    def save(self, folder: str | Path, *, connections: int = 4) -> Iterator[Saved]:
        """Write every picture below a folder as soon as it is there; yield each item with its files.

        Files are called after the custom ids. One that is there already, with the right bytes, is left alone,
        so that a run that was interrupted goes on without doing anything twice. Iterate to make it happen.

        Pictures that cannot be saved stop no other; NotSaved tells them after the last item.
        """
        missing = []
        for entry in saved(self, Path(folder), connections):
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

    def _moved(self, move: str) -> Batch:
        self.batch = batch_from_json(json_of(self._transport.send("POST", self._path(f"/{move}"))))
        return self.batch
