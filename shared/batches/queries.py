"""Reads batches: one batch, a list, items, ended items, events. Changes nothing."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from shared.batches.batch import (
    LIGHT_FIELDS,
    SMALL_FIELDS,
    Batch,
    BatchStatus,
    FinishedItems,
    batch_from_record,
)
from shared.errors import BatchNotFound
from shared.jobs.job import Job
from shared.jobs.queries import Event, JobQueries
from shared.jobs.queue_place import Waiting
from shared.jobs.reading import PageReader
from shared.jobs.status import Status
from shared.jobs.store import JobStore, gone
from shared.redis.client import Page, newest, store_errors
from shared.workers import Capacity

SCAN_CHUNK = 200  # items that one round trip reads


class BatchQueries:
    """Read side of the batch store."""

    def __init__(self, jobs: JobStore) -> None:
        self._client = jobs.client
        self._key = jobs.scripts.keys
        self._scripts = jobs.scripts
        self._queries = JobQueries(jobs)

    def keyed(self, owner: str, idempotency_key: str) -> tuple[str, str] | None:
        """Return the batch id and the request fingerprint of an idempotency key; None if the key is new."""
        return self._queries.keyed(owner, f"batch:{idempotency_key}")

    def get(self, batch_id: str, owner: str) -> Batch:
        """Return the owner's batch; raise BatchNotFound, or JobGone if it existed and was deleted."""
        with store_errors():
            raw = self._client.hgetall(self._key("batch", batch_id))
            names = (self._key("gone", batch_id), self._key("gone_why", batch_id))
            owner_of_gone, reason = self._client.mget(names)
        if raw and raw["owner"] == owner and raw["status"] != "deleted":
            return batch_from_record(raw)
        if (raw and raw["owner"] == owner) or (not raw and owner_of_gone == owner):
            raise gone(f"the batch {batch_id}", was_reclaimed=bool(reason))
        raise BatchNotFound(f"there is no batch {batch_id}")

    def page(
        self, owner: str, *, limit: int = 20, cursor: str | None = None, fields: Collection[str] | None = None
    ) -> Page[Batch]:
        """Return the owner's batches, newest first.

        With `fields`, what other fields of a batch's view need may be left unread.
        """
        ids = newest(self._client, self._key("owned_batches", owner), limit=limit, cursor=cursor)
        names = SMALL_FIELDS if fields and set(fields) <= LIGHT_FIELDS else ()
        with store_errors():
            records = self._read((self._key("batch", batch_id) for batch_id in ids.items), names)
        batches = (batch_from_record(raw) for raw in records if raw and raw["status"] != "deleted")
        return Page(tuple(batches), ids.next_cursor)

    def items(
        self,
        batch_id: str,
        owner: str,
        *,
        status: Status | None = None,
        limit: int = 100,
        cursor: str | None = None,
        fields: Collection[str] | None = None,
    ) -> Page[Job]:
        """Return the batch's items by index, of one status or all; of a retried item the latest job.

        A page of large records has fewer than `limit`. `fields` is as that of PageReader.
        """
        self.get(batch_id, owner)
        found: list[Job] = []
        index, reader = int(cursor or 0), PageReader(self._scripts, fields)
        while index >= 0 and len(found) < limit and not reader.is_full:
            most = min(SCAN_CHUNK, limit - len(found)) if status is None else SCAN_CHUNK
            index, *flat = self._scripts.run("batches/find_items", batch_id, index, "up", most, status or "")
            indexes, ids = flat[::2], flat[1::2]
            jobs = reader.read(ids[: limit - len(found)])
            found += [job for job in jobs if job and status in (None, job.status)]
            index = indexes[len(jobs)] if len(ids) > len(jobs) else index
        return Page(tuple(found), str(index) if index >= 0 else None)

    def finished(self, batch_id: str, owner: str, *, after: int = 0, limit: int = 500) -> FinishedItems:
        """Return items in the order in which they ended, after the first `after` of them.

        Of large records there are fewer than `limit`.
        """
        self.get(batch_id, owner)
        with store_errors():
            names = self._client.lrange(self._key("batch_finished", batch_id), after, after + limit - 1)
        jobs = PageReader(self._scripts).read([_item_id(batch_id, name) for name in names])
        is_last = len(jobs) == len(names) < limit
        return FinishedItems(tuple(job for job in jobs if job), after + len(jobs), is_last)

    def waiting(self, batch: Batch, capacity: Capacity, *, own_only: bool = False) -> Waiting:
        """Return the seconds until all items are done, if any waits or runs, and what holds the next one.

        `capacity` is what workers have for its lane. With `own_only`, only the owner's own jobs count, as if
        nobody else had any.
        """
        if not batch.counts[Status.QUEUED] + batch.counts[Status.RUNNING]:
            return Waiting(None, None)
        waiting = self._queries.waiting_batch(batch.id, capacity, own_only=own_only)
        has_end = batch.pause is not None and batch.pause.ends_at is not None
        goes_on = batch.status in (BatchStatus.OPEN, BatchStatus.RUNNING) or has_end
        return waiting if goes_on else replace(waiting, eta_seconds=None)

    def _read(self, keys: Iterable[str], names: Sequence[str]) -> list[dict[str, str]]:
        """Return the records of batches, or the fields of these names; an empty one where there is none."""
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            if names:
                pipeline.hmget(key, *names)
            else:
                pipeline.hgetall(key)
        if not names:
            return [*pipeline.execute()]
        read = (zip(names, found, strict=True) for found in pipeline.execute())
        return [{name: text for name, text in record if text is not None} for record in read]

    def events(self, batch_id: str, *, after: str = "0-0", block_seconds: float = 0) -> list[Event]:
        """Return the batch's events after an id: `state` of the batch, `item` for each ended item."""
        return self._queries.events(batch_id, after=after, block_seconds=block_seconds)


def _item_id(batch_id: str, name: str) -> str:
    return f"job_{batch_id.removeprefix('batch_')}-{name}"
