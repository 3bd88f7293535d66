"""The batch store: every move of a batch, each one script or a row of them that can be taken up again."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from shared.batch_refusals import refusal
from shared.batches import (
    Batch,
    BatchDraft,
    BatchPage,
    FinishedPage,
    ItemDraft,
    ItemPage,
    batch_from_record,
)
from shared.errors import (
    BatchNotFound,
    FileNotFound,
    IdempotencyMismatch,
    IllegalMove,
    JobGone,
)
from shared.identifiers import sha256
from shared.job_queries import Event, JobQueries
from shared.job_record import job_from_record
from shared.job_store import JobStore
from shared.jobs import Job
from shared.redis_server import answering
from shared.settings import BatchRules
from shared.specs import inputs_of
from shared.status import Status
from shared.submission import to_text

CHUNK = 200  # items that one script touches: some milliseconds, in which the server does nothing else


class BatchStore:
    """Batches in a Redis-protocol server. All times are the server's."""

    def __init__(self, jobs: JobStore, rules: BatchRules) -> None:
        self._jobs = jobs
        self._rules = rules
        self._client = jobs.client
        self._scripts = jobs.scripts
        self._key = jobs.scripts.key
        self._queries = JobQueries(jobs)

    def open(self, draft: BatchDraft) -> tuple[Batch, bool]:
        """Begin a batch, or find the one that the key began; return it and whether it is new.

        Raises IdempotencyMismatch when the key came before with another request.
        """
        record = to_text(draft.record(self._jobs.rules))
        keep = self._jobs.rules.idempotency_seconds * 1000
        answer, batch_id = self._scripts.run(
            "batch_open", draft.id, draft.owner, record, draft.idempotency_key, draft.fingerprint, keep
        )
        if answer == "mismatch":
            raise IdempotencyMismatch("this key was used before with another request")
        return self.get(batch_id, draft.owner), answer == "created"

    def keyed(self, owner: str, idempotency_key: str) -> tuple[str, str] | None:
        """Return the batch id and the request's fingerprint that a key stands for; None where it is new."""
        with answering():
            known = self._client.hgetall(self._key("idempotency", owner, "batch", idempotency_key))
        return (known["id"], known["fingerprint"]) if known else None

    def append(self, batch_id: str, owner: str, items: Sequence[ItemDraft], *, first: int) -> int:
        """Accept items from index `first` on; return the new total. The same items again change nothing.

        All of a chunk of 200 are accepted or none; on an error the total says how far it came. Raises
        BatchNotFound; IllegalMove where the batch takes no items; InvalidRequest for too many, a gap before
        `first`, other items at known indexes, names that are taken; FileNotFound.
        """
        total = first
        digests = to_text(self._jobs.served_digests(item.spec for item in items))
        for start in range(0, len(items), CHUNK):
            parts = [part for item in items[start : start + CHUNK] for part in _flat(item)]
            total = self._append_chunk(batch_id, owner, first + start, digests, *parts)
        return total

    def _append_chunk(self, batch_id: str, owner: str, first: int, digests: str, *parts: str) -> int:
        most = self._rules.max_items
        answer, *rest = self._scripts.run("batch_append", batch_id, owner, first, most, digests, *parts)
        if answer == "ok":
            return int(rest[0])
        raise refusal(answer, rest, batch_id, self._rules.max_items)

    def finalize(self, batch_id: str, owner: str) -> None:
        """Say that all items are there; the batch completes with the last of them."""
        self._move(batch_id, owner, "finalize")

    def pause(self, batch_id: str, owner: str) -> None:
        """Start no more items; what runs goes on to its end."""
        self._move(batch_id, owner, "pause")

    def resume(self, batch_id: str, owner: str) -> None:
        """Go on after a pause."""
        self._move(batch_id, owner, "resume")
        self.sweep(batch_id)

    def cancel(self, batch_id: str, owner: str) -> None:
        """Withdraw every item that has not ended. When this returns, all of them are canceled."""
        self._move(batch_id, owner, "cancel")
        self.sweep(batch_id)

    def delete(self, batch_id: str, owner: str) -> None:
        """Forget a batch that is done, with its items; their bytes are left to the sweeper."""
        self._move(batch_id, owner, "delete")
        self.sweep(batch_id)

    def _move(self, batch_id: str, owner: str, wish: str) -> None:
        answer = self._scripts.run("batch_move", batch_id, owner, wish)
        if answer == "missing":
            self.get(batch_id, owner)  # raises the error that fits
        if answer != "ok":
            raise IllegalMove(f"a batch that is {answer} cannot be {_PAST[wish]}")

    def sweep(self, batch_id: str) -> None:
        """Carry out what a cancellation, deletion or resumption means for each item."""
        while self._sweep_chunk(batch_id):
            continue

    def _sweep_chunk(self, batch_id: str) -> bool:
        tombstone = self._jobs.rules.tombstone_seconds * 1000
        return bool(self._scripts.run("batch_sweep", batch_id, CHUNK, tombstone))

    def keep_house(self) -> None:
        """Cancel batches that nobody finalized for long, and go on with what is half done."""
        for batch_id, owner in self._stale().items():
            with suppress(BatchNotFound, JobGone, IllegalMove):  # it ended meanwhile
                self._move(batch_id, owner, "cancel")
        self.go_on()

    def _stale(self) -> dict[str, str]:
        with answering():
            seconds, _ = self._client.time()
            oldest = (seconds - self._rules.open_seconds) * 1000
            names = self._client.zrangebyscore(self._key("open-batches"), "-inf", oldest, start=0, num=CHUNK)
            return {name: self._client.hget(self._key("batch", name), "owner") or "" for name in names}

    def go_on(self, *, most_chunks: int = 10) -> None:
        """Go on with what a process left half done and with batches that are to go; some chunks a call."""
        with answering():
            work = self._client.zrange(self._key("batch-work"), 0, most_chunks - 1)
        for batch_id in work:
            while most_chunks > 0:
                most_chunks -= 1
                if not self._sweep_chunk(batch_id):
                    break

    def retry_failed(self, batch_id: str, owner: str) -> int:
        """Try every failed or expired item again, as a new job in its place; return how many.

        Raises FileNotFound where files that some of them need are gone; the others go.
        """
        count, index = 0, 0
        missing: list[str] = []
        while index >= 0:
            answer = self._scripts.run("batch_retry", batch_id, owner, index, CHUNK)
            if answer == ["missing"]:
                self.get(batch_id, owner)
                raise BatchNotFound(f"there is no batch {batch_id}")
            if len(answer) == 1:
                raise IllegalMove(f"items of a batch that is {answer[0]} cannot be tried again")
            count, index = count + answer[0], answer[1]
            missing += answer[2]
        if missing and not count:
            raise FileNotFound(
                "files that the failed items need are gone: " + ", ".join(sorted(set(missing))[:10])
            )
        return count

    def get(self, batch_id: str, owner: str) -> Batch:
        """Return the owner's batch; raise BatchNotFound, or JobGone when it existed and is forgotten."""
        with answering():
            raw = self._client.hgetall(self._key("batch", batch_id))
            gone = not raw and self._client.get(self._key("gone", batch_id)) == owner
        if raw and raw["owner"] == owner and raw["status"] != "deleted":
            return batch_from_record(raw)
        if gone or (raw and raw["owner"] == owner):
            raise JobGone(f"the batch {batch_id} has expired or was deleted")
        raise BatchNotFound(f"there is no batch {batch_id}")

    def page(self, owner: str, *, limit: int = 20, cursor: str | None = None) -> BatchPage:
        """Return the owner's batches, newest first."""
        top = "+inf" if cursor is None else f"({int(cursor)}"
        with answering():
            ids = self._client.zrevrangebyscore(
                self._key("owner", owner, "batches"), top, "-inf", start=0, num=limit + 1
            )
            records = self._read(self._key("batch", batch_id) for batch_id in ids)
        batches = [batch_from_record(raw) for raw in records if raw and raw["status"] != "deleted"]
        more = str(batches[limit - 1].sequence) if len(ids) > limit and len(batches) >= limit else None
        return BatchPage(tuple(batches[:limit]), more)

    def items(
        self,
        batch_id: str,
        owner: str,
        *,
        status: Status | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> ItemPage:
        """Return the batch's items by index, of one status or all; of an item tried again the latest job."""
        total = self.get(batch_id, owner).counts["total"]
        found: list[Job] = []
        index = int(cursor or 0)
        while index < total and len(found) < limit:
            chunk = self._items_from(batch_id, index, min(CHUNK, total - index))
            for job in chunk:
                if len(found) < limit:
                    index = (job.index or 0) + 1
                    found += [job] if status in (None, job.status) else []
        return ItemPage(tuple(found), str(index) if index < total else None)

    def _items_from(self, batch_id: str, index: int, count: int) -> list[Job]:
        with answering():
            again = self._client.hmget(
                self._key("batch-again", batch_id), [str(i) for i in range(index, index + count)]
            )
            ids = [_item_id(batch_id, str(index + i), retry) for i, retry in enumerate(again)]
            return self._jobs_of(ids)

    def finished(self, batch_id: str, owner: str, *, after: int = 0, limit: int = 500) -> FinishedPage:
        """Return items in the order in which they ended, after the first `after` of them."""
        self.get(batch_id, owner)
        with answering():
            names = self._client.lrange(self._key("batch-finished", batch_id), after, after + limit - 1)
            jobs = self._jobs_of(_item_id(batch_id, name) for name in names)
        return FinishedPage(tuple(jobs), after + len(names))

    def _jobs_of(self, ids: Iterable[str]) -> list[Job]:
        records = self._read(self._key("job", job_id) for job_id in ids)
        return [job_from_record(raw) for raw in records if raw]

    def _read(self, keys: Iterable[str]) -> list[dict[str, str]]:
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.hgetall(key)
        records: list[dict[str, str]] = pipeline.execute()
        return records

    def events(self, batch_id: str, *, after: str = "0-0", block_seconds: float = 0) -> list[Event]:
        """Return the batch's events after an id: `state` of the batch, `item` for each that ended."""
        return self._queries.events(batch_id, after=after, block_seconds=block_seconds)


_PAST = {
    "finalize": "finalized",
    "pause": "paused",
    "resume": "resumed",
    "cancel": "canceled",
    "delete": "deleted",
}


def _flat(item: ItemDraft) -> tuple[str, str, str]:
    record = item.record()
    return (
        to_text(record),
        to_text(inputs_of(item.spec)),
        sha256(f"{item.custom_id} {record['spec']}".encode())[:32],
    )


def _item_id(batch_id: str, index: str, retry: str | None = None) -> str:
    name = f"job_{batch_id.removeprefix('batch_')}-{index}"
    return f"{name}-{retry}" if retry else name
