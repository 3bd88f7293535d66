"""What the client does with batches: send many jobs as one, find them again."""

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain, islice
from typing import Any, TypedDict, Unpack, overload
from urllib.parse import quote

from atelier.client.batch import Batch, batch_from_json
from atelier.client.batch_run import LINES, SEND_SECONDS, BatchRun
from atelier.client.errors import ApiError, ClientError
from atelier.client.jobs import PAGE_SIZE, JobClient
from atelier.client.json_body import json_bytes
from atelier.client.request_parts import BatchWebhook, Lane, to_plain
from atelier.client.requests import Request
from atelier.client.transport import Transport, json_of

ITEMS_A_REQUEST = 2000

Item = Request | Mapping[str, Any]  # a typed request, or what the API takes; `custom_id` may be in that
Items = Iterable[Item] | Mapping[str, Item]  # or by custom id


class BatchSettings(TypedDict, total=False):
    """The keywords of `Client.batch` and `Client.open_batch`: what holds for a batch and all of its items."""

    name: str  # for people
    lane: Lane  # bulk, if nothing is said
    ttl_seconds: int | None  # the batch is kept this long when done
    deadline_seconds: int | None  # of every item that has none
    cache: bool  # of every item: take over the result of an equal job
    webhook: BatchWebhook | None  # who is told when the batch is done
    metadata: Mapping[str, str]  # comes back with the batch


class Batches:
    """The batches of one Atelier."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, batch: Batch | str, *, after: int = 0) -> BatchRun:
        """Return a batch; iterating it gives the results after the first `after` ones."""
        name = batch if isinstance(batch, str) else batch.id
        found = json_of(self._transport.send("GET", f"/v1/batches/{quote(name, safe='')}"))
        return BatchRun(self._transport, batch_from_json(found), after=after)

    def __iter__(self) -> Iterator[Batch]:
        """Yield all batches, newest first, page by page."""
        for page in self._transport.pages("/v1/batches", {"limit": PAGE_SIZE}):
            yield from (batch_from_json(entry) for entry in page["data"])


class BatchClient(JobClient):
    """Jobs and batches of one Atelier, over HTTP."""

    @property
    def batches(self) -> Batches:
        """The batches there are: iterate them, or get one by its id."""
        return Batches(self._transport)

    @overload
    def batch(
        self,
        items: Mapping[str, Item],
        *,
        idempotency_key: str | None = None,
        **settings: Unpack[BatchSettings],
    ) -> BatchRun: ...

    @overload
    def batch(
        self,
        items: Iterable[Item] | None = None,
        *,
        template: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **settings: Unpack[BatchSettings],
    ) -> BatchRun: ...

    def batch(
        self,
        items: Items | None = None,
        *,
        template: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **settings: Unpack[BatchSettings],
    ) -> BatchRun:
        """Ask for many jobs as one batch: `items`, or a `template` with lists to multiply.

        The settings are the keys of BatchSettings: name, lane, metadata ... Items may come from a generator:
        they are sent page by page, each once however often an answer is lost. The same key finds a batch
        again, and goes on sending where an earlier call broke off.

        Where an item is refused, ApiError names it by its number among all items. Then nothing goes on:
        without an `idempotency_key` a batch that has earlier pages is canceled. With one it stays open, for
        the same call with the item put right.
        """
        key = idempotency_key or uuid.uuid4().hex
        if template is not None:
            return self._opened({**settings, "template": template}, key)
        pages = _pages(items or ())
        first, second = next(pages, b""), next(pages, None)
        if second is None:
            return self._sent(first, settings, key)
        run = self.open_batch(idempotency_key=key, **settings)
        if run.batch.status == "open":
            self._fill(run, chain([first, second], pages), is_kept=idempotency_key is not None)
        return run

    def open_batch(
        self, *, idempotency_key: str | None = None, **settings: Unpack[BatchSettings]
    ) -> BatchRun:
        """Begin a batch that takes items, by `append`, until `finalize`. Settings are those of `batch`."""
        return self._opened({**settings, "open": True}, idempotency_key or uuid.uuid4().hex)

    def _opened(self, body: Mapping[str, Any], key: str) -> BatchRun:
        return self._run("/v1/batches", key, json=_given(body))

    def _sent(self, lines: bytes, settings: Mapping[str, Any], key: str) -> BatchRun:
        # The settings come last, so that the line that the service names of an item is the item's.
        given = _given(settings)
        body = lines + (_line({"batch": given}) if given else b"")
        return self._run("/v1/batches", key, content=body, type=LINES)

    def _run(self, path: str, key: str, *, type: Mapping[str, str] | None = None, **parts: Any) -> BatchRun:
        headers = {"Idempotency-Key": key, **(type or {})}
        answer = self._transport.send("POST", path, headers=headers, read_seconds=SEND_SECONDS, **parts)
        return BatchRun(self._transport, batch_from_json(json_of(answer)))

    @staticmethod
    def _fill(run: BatchRun, pages: Iterator[bytes], *, is_kept: bool) -> None:
        first, there = 0, run.batch.counts["total"]
        try:
            for page in pages:
                count = page.count(b"\n")
                if first + count > there:
                    run.append(page, first=first)
                first += count
        except BaseException as error:
            if not is_kept:
                with suppress(ClientError):
                    run.cancel()
            if isinstance(error, ApiError):
                raise _of_the_list(error, first, run.id, is_kept=is_kept) from error
            raise
        run.finalize()


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as JSON has them, without those that were left open."""
    return {name: to_plain(value) for name, value in settings.items() if value is not None}


def _pages(items: Items) -> Iterator[bytes]:
    """Yield the items as lines of JSON, so many at a time as one request holds."""
    lines = (_line(body, f"items.{number}") for number, body in enumerate(_bodies(items)))
    while page := b"".join(islice(lines, ITEMS_A_REQUEST)):
        yield page


def _line(value: Mapping[str, Any], place: str = "") -> bytes:
    return json_bytes(value, place) + b"\n"


def _of_the_list(error: ApiError, first: int, batch_id: str, *, is_kept: bool) -> ApiError:
    """Return a page's error with the numbers that its items have among all items, and what became of them."""

    def moved(entry: Mapping[str, str], name: str, prefix: str) -> str:
        text = entry.get(name, "")
        return re.sub(rf"(?<=^{prefix})\d+", lambda number: str(first + int(number[0])), text)

    left = f"the batch {batch_id} was canceled: none of its items goes on"
    if is_kept:
        left = f"the batch {batch_id} is open and has the first {first}; the same call goes on after them"
    detail = f"items after the first {first} were refused; {left}"
    faults = [
        {**entry, "pointer": moved(entry, "pointer", "/items/"), "detail": moved(entry, "detail", "line ")}
        for entry in error.problem.get("errors") or ()
    ]
    told = ApiError({**error.problem, "detail": detail, "errors": faults}, status=error.status)
    told.add_note(left)
    return told


def _bodies(items: Items) -> Iterator[dict[str, Any]]:
    if isinstance(items, Mapping):
        for custom_id, item in items.items():
            yield {**_body(item), "custom_id": custom_id}
    else:
        yield from (_body(item) for item in items)


def _body(item: Item) -> dict[str, Any]:
    """Return an item as the API takes it. A typed request's lane is the batch's to say."""
    if isinstance(item, Mapping):
        return dict(to_plain(item))
    return {name: value for name, value in item.to_json().items() if name != "lane"}
