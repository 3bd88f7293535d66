"""`client.batches`: send many jobs as one batch, find batches again."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import chain, islice
from typing import Any, TypedDict, Unpack, overload
from urllib.parse import quote

from atelier.client.batch import DRY_RUN, Batch, Estimate, batch_from_json, estimate_from_json
from atelier.client.batch_run import LINES, SEND_SECONDS, BatchRun
from atelier.client.errors import ApiError, ClientError
from atelier.client.places.request import PlaceDestination, PlaceSource
from atelier.client.request_parts import (
    BatchWebhook,
    Lane,
    QueueEnd,
    StopWhen,
    json_bytes,
    move_body,
    to_plain,
)
from atelier.client.requests import Request
from atelier.client.responses import json_of
from atelier.client.transport import Resource, idempotency_header

ITEMS_A_REQUEST = 2000

Item = Request | Mapping[str, Any]  # a typed request, or what the API takes; `custom_id` may be in that
Items = Iterable[Item] | Mapping[str, Item]  # or by custom id


class BatchSettings(TypedDict, total=False):
    """The keywords of `client.batches.create` and `open`: what holds for a batch and all of its items."""

    name: str  # for people
    lane: Lane  # bulk by default
    ttl_seconds: int | None  # the batch is kept this long when done
    deadline_seconds: int | None  # of every item that has none
    not_before: datetime | None  # no item starts earlier; with a zone
    cache: bool  # of every item: take over the result of an equal job
    stop_when: StopWhen | None  # it pauses by itself when too much goes wrong
    sample: int | None  # so many items are done first; then it pauses until `resume`
    destination: PlaceDestination | None  # where each result is put, beside being kept
    webhook: BatchWebhook | None  # gets a POST when the batch is done
    metadata: Mapping[str, str]  # comes back with the batch


class BatchesResource(Resource):
    """The batches of one Atelier."""

    def get(self, batch: Batch | str, *, after: int = 0) -> BatchRun:
        """Return a batch; iterating it gives the results after the first `after` ones.

        Raises ApiError (404, 410) where there is none.
        """
        name = batch if isinstance(batch, str) else batch.id
        found = json_of(self._transport.send("GET", f"/v1/batches/{quote(name, safe='')}"))
        return BatchRun(self._transport, batch_from_json(found), after=after)

    def list(self) -> Iterator[Batch]:
        """Yield all batches, newest first, page by page."""
        return self._transport.entries("/v1/batches", batch_from_json)

    def move_of_owner(
        self, owner: str, batch: Batch | str, *, to: QueueEnd | None = None, lane: Lane | None = None
    ) -> None:
        """Move what waits of another owner's batch in that owner's queue; for admins."""
        name = batch if isinstance(batch, str) else batch.id
        path = f"/v1/owners/{quote(owner, safe='')}/batches/{quote(name, safe='')}/move"
        self._transport.send("POST", path, json=move_body(to, lane))

    def list_fields(self, fields: Iterable[str]) -> Iterator[Mapping[str, Any]]:
        """Yield these fields alone of all batches, newest first, as JSON has them: cheap for pollers.

        Raises ApiError where a batch has no such field.
        """
        return self._transport.light_entries("/v1/batches", fields)

    @overload
    def create(
        self,
        items: Mapping[str, Item],
        *,
        idempotency_key: str | None = None,
        **settings: Unpack[BatchSettings],
    ) -> BatchRun: ...

    @overload
    def create(
        self,
        items: Iterable[Item] | None = None,
        *,
        template: Mapping[str, Any] | None = None,
        source: PlaceSource | None = None,
        idempotency_key: str | None = None,
        **settings: Unpack[BatchSettings],
    ) -> BatchRun: ...

    def create(
        self,
        items: Items | None = None,
        *,
        template: Mapping[str, Any] | None = None,
        source: PlaceSource | None = None,
        idempotency_key: str | None = None,
        **settings: Unpack[BatchSettings],
    ) -> BatchRun:
        """Ask for many jobs as one batch: `items`, or a `template` with lists to multiply.

        With a `source` the template, with lists or without, is what is made of each picture of a place; the
        batch stays open while the service takes these in.

        The settings are the keys of BatchSettings: name, lane, metadata ... Items may come from a generator:
        they are sent page by page, and a page that is sent again makes no second item. The same key finds a
        batch again, and goes on sending where an earlier call stopped.

        Where an item is refused, ApiError names it by its number among all items, and nothing goes on:
        without an `idempotency_key` a batch that has earlier pages is canceled. With one it stays open, for
        the same call with the item put right.
        """
        if template is not None or source is not None:
            body = _given({**settings, "source": source, "template": template})
            return self._run(idempotency_key, json=body)
        pages = _pages(items or ())
        first, second = next(pages, b""), next(pages, None)
        if second is None:
            return self._sent(first, settings, idempotency_key)
        run = self.open(idempotency_key=idempotency_key, **settings)
        if run.batch.status == "open":
            self._fill(run, chain([first, second], pages), is_kept=idempotency_key is not None)
        return run

    def estimate(
        self,
        items: Items | None = None,
        *,
        template: Mapping[str, Any] | None = None,
        source: PlaceSource | None = None,
        **settings: Unpack[BatchSettings],
    ) -> Estimate:
        """Return what a batch would make and take, and what would refuse it; nothing is stored.

        All items go in one request, so they must fit into one; `create` sends longer lists page by page. Of a
        `source` the pictures are counted and not looked at, so it says nothing of sizes and times.
        """
        if template is not None or source is not None:
            body = _given({**settings, "source": source, "template": template})
            parts: dict[str, Any] = {"json": body}
        else:
            given = _given(settings)
            lines = b"".join(_pages(items or ())) + (_line({"batch": given}) if given else b"")
            parts = {"content": lines, "headers": LINES}
        options: Any = {"params": DRY_RUN, "read_seconds": SEND_SECONDS, **parts}
        return estimate_from_json(json_of(self._transport.send("POST", "/v1/batches", **options)))

    def open(self, *, idempotency_key: str | None = None, **settings: Unpack[BatchSettings]) -> BatchRun:
        """Begin a batch that takes items, by `append`, until `finalize`. Settings are those of `create`."""
        return self._run(idempotency_key, json=_given({**settings, "open": True}))

    def _sent(self, lines: bytes, settings: Mapping[str, Any], key: str | None) -> BatchRun:
        # The settings come last, so that the number of a line that the service names is the item's number.
        given = _given(settings)
        body = lines + (_line({"batch": given}) if given else b"")
        return self._run(key, LINES, content=body)

    def _run(self, key: str | None, type: Mapping[str, str] | None = None, **parts: Any) -> BatchRun:
        headers = {**idempotency_header(key), **(type or {})}
        options: Any = {"headers": headers, "read_seconds": SEND_SECONDS, **parts}
        response = self._transport.send("POST", "/v1/batches", **options)
        return BatchRun(self._transport, batch_from_json(json_of(response)))

    @staticmethod
    def _fill(run: BatchRun, pages: Iterator[bytes], *, is_kept: bool) -> None:
        first, sent = 0, run.batch.counts["total"]
        try:
            for page in pages:
                count = page.count(b"\n")
                if first + count > sent:
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
    """Yield the items as lines of JSON, as many at a time as one request takes."""
    lines = (_line(body, f"items.{number}") for number, body in enumerate(_bodies(items)))
    while page := b"".join(islice(lines, ITEMS_A_REQUEST)):
        yield page


def _line(value: Mapping[str, Any], place: str = "") -> bytes:
    return json_bytes(value, place) + b"\n"


def _of_the_list(error: ApiError, first: int, batch_id: str, *, is_kept: bool) -> ApiError:
    """Return a page's error with the numbers that its items have among all items, and the batch's state."""

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
    moved_error = ApiError({**error.problem, "detail": detail, "errors": faults}, status=error.status)
    moved_error.add_note(left)
    return moved_error


def _bodies(items: Items) -> Iterator[dict[str, Any]]:
    if isinstance(items, Mapping):
        for custom_id, item in items.items():
            yield {**_body(item), "custom_id": custom_id}
    else:
        yield from (_body(item) for item in items)


def _body(item: Item) -> dict[str, Any]:
    """Return an item as the API takes it, without a typed request's lane: the batch decides that."""
    if isinstance(item, Mapping):
        return dict(to_plain(item))
    return {name: value for name, value in item.to_json().items() if name != "lane"}
