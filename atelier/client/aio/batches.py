"""Made from atelier/client/batches.py by `make async-client`: change that file, not this one."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any, Unpack, overload
from urllib.parse import quote

from atelier.client.aio.batch_run import AsyncBatchRun
from atelier.client.aio.transport import AsyncResource
from atelier.client.batch import DRY_RUN, Batch, Estimate, batch_from_json, estimate_from_json
from atelier.client.batch_run import LINES, SEND_SECONDS
from atelier.client.batches import BatchSettings, Item, Items, _given, _line, _of_the_list, _pages
from atelier.client.errors import ApiError, ClientError
from atelier.client.places.request import PlaceSource
from atelier.client.request_parts import Lane, QueueEnd, move_body
from atelier.client.responses import json_of
from atelier.client.transport import idempotency_header


class AsyncBatchesResource(AsyncResource):
    """The batches of one Atelier."""

    async def get(self, batch: Batch | str, *, after: int = 0) -> AsyncBatchRun:
        """Return a batch; iterating it gives the results after the first `after` ones.

        Raises ApiError (404, 410) where there is none.
        """
        name = batch if isinstance(batch, str) else batch.id
        found = json_of(await self._transport.send("GET", f"/v1/batches/{quote(name, safe='')}"))
        return AsyncBatchRun(self._transport, batch_from_json(found), after=after)

    def list(self) -> AsyncGenerator[Batch, None]:
        """Yield all batches, newest first, page by page."""
        return self._transport.entries("/v1/batches", batch_from_json)

    async def move_of_owner(
        self, owner: str, batch: Batch | str, *, to: QueueEnd | None = None, lane: Lane | None = None
    ) -> None:
        """Move what waits of another owner's batch in that owner's queue; for admins."""
        name = batch if isinstance(batch, str) else batch.id
        path = f"/v1/owners/{quote(owner, safe='')}/batches/{quote(name, safe='')}/move"
        await self._transport.send("POST", path, json=move_body(to, lane))

    def list_fields(self, fields: Iterable[str]) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yield these fields alone of all batches, newest first, as JSON has them: cheap for pollers.

        Raises ApiError where a batch has no such field.
        """
        return self._transport.light_entries("/v1/batches", fields)

    @overload
    async def create(
        self,
        items: Mapping[str, Item],
        *,
        idempotency_key: str | None = None,
        **settings: Unpack[BatchSettings],
    ) -> AsyncBatchRun: ...

    @overload
    async def create(
        self,
        items: Iterable[Item] | None = None,
        *,
        template: Mapping[str, Any] | None = None,
        source: PlaceSource | None = None,
        idempotency_key: str | None = None,
        **settings: Unpack[BatchSettings],
    ) -> AsyncBatchRun: ...

    async def create(
        self,
        items: Items | None = None,
        *,
        template: Mapping[str, Any] | None = None,
        source: PlaceSource | None = None,
        idempotency_key: str | None = None,
        **settings: Unpack[BatchSettings],
    ) -> AsyncBatchRun:
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
            return await self._run(idempotency_key, json=body)
        pages = _pages(items or ())
        first, second = (next(pages, b""), next(pages, None))
        if second is None:
            return await self._sent(first, settings, idempotency_key)
        run = await self.open(idempotency_key=idempotency_key, **settings)
        if run.batch.status == "open":
            await self._fill(run, chain([first, second], pages), is_kept=idempotency_key is not None)
        return run

    async def estimate(
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
        return estimate_from_json(json_of(await self._transport.send("POST", "/v1/batches", **options)))

    async def open(
        self, *, idempotency_key: str | None = None, **settings: Unpack[BatchSettings]
    ) -> AsyncBatchRun:
        """Begin a batch that takes items, by `append`, until `finalize`. Settings are those of `create`."""
        return await self._run(idempotency_key, json=_given({**settings, "open": True}))

    async def _sent(self, lines: bytes, settings: Mapping[str, Any], key: str | None) -> AsyncBatchRun:
        given = _given(settings)
        body = lines + (_line({"batch": given}) if given else b"")
        return await self._run(key, LINES, content=body)

    async def _run(
        self, key: str | None, type: Mapping[str, str] | None = None, **parts: Any
    ) -> AsyncBatchRun:
        headers = {**idempotency_header(key), **(type or {})}
        options: Any = {"headers": headers, "read_seconds": SEND_SECONDS, **parts}
        response = await self._transport.send("POST", "/v1/batches", **options)
        return AsyncBatchRun(self._transport, batch_from_json(json_of(response)))

    @staticmethod
    async def _fill(run: AsyncBatchRun, pages: Iterator[bytes], *, is_kept: bool) -> None:
        first, sent = (0, run.batch.counts["total"])
        try:
            for page in pages:
                count = page.count(b"\n")
                if first + count > sent:
                    await run.append(page, first=first)
                first += count
        except BaseException as error:
            if not is_kept:
                with suppress(ClientError):
                    await run.cancel()
            if isinstance(error, ApiError):
                raise _of_the_list(error, first, run.id, is_kept=is_kept) from error
            raise
        await run.finalize()
