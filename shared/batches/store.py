"""The batch store: each transition of a batch is one script, or a series of scripts that can be resumed."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from shared.batches.batch import ITEM_BYTES, Batch, BatchDraft, ItemDraft
from shared.batches.queries import BatchQueries
from shared.batches.sharing import PackedItems, Pieces, in_pieces, packed
from shared.errors import (
    AtelierError,
    BatchNotFound,
    FieldError,
    FileNotFound,
    IdempotencyMismatch,
    IllegalMove,
    InvalidRequest,
    JobGone,
    JobNotFound,
)
from shared.identifiers import next_try
from shared.jobs.job import Job
from shared.jobs.moving import Move
from shared.jobs.store import JobStore, too_many_pinned
from shared.jobs.submission import Submitted, chain_too_long, missing_files, missing_input, to_text
from shared.owners.quota import quota_exceeded
from shared.redis.client import server_time, store_errors
from shared.setting_groups import MEBIBYTE, BatchRules

CHUNK = 200  # the most items that one script stores
RETRIED = 3  # values that the script returns that tried items again
SWEPT = 10  # items that one script ends or deletes; this blocks the server for 1 to 2 ms


class BatchStore(BatchQueries):
    """Batches in a Redis-protocol server. All times are the server's."""

    def __init__(self, jobs: JobStore, rules: BatchRules) -> None:
        super().__init__(jobs)
        self._jobs = jobs
        self._rules = rules
        self._quotas = jobs.quotas.model_dump_json()

    def open(self, draft: BatchDraft) -> tuple[Batch, bool]:
        """Create a batch, or find the one that this key created; return it and whether it is new.

        Raises IdempotencyMismatch if another request used the key before, FileNotFound if a file is gone that
        a template of its source names.
        """
        record = to_text(draft.record(self._jobs.rules))
        keep = self._jobs.rules.idempotency_seconds * 1000
        print_and_keep = (draft.idempotency_key, draft.fingerprint, keep)
        of_source = (to_text(draft.templates), to_text(draft.inputs))
        outcome, batch_id, *more = self._scripts.run(
            "batches/open", draft.id, draft.owner, record, *print_and_keep, *of_source
        )
        if outcome == "missing":
            raise FileNotFound(f"files that the template needs are gone: {', '.join([batch_id, *more])}")
        if outcome == "mismatch":
            raise IdempotencyMismatch("this key was used before with another request")
        return self.get(batch_id, draft.owner), outcome == "created"

    def append(self, batch_id: str, owner: str, items: Sequence[ItemDraft], *, first: int) -> int:
        """Accept items from index `first` on; return the new total. Repeated equal items change nothing.

        Each chunk of 200 items is accepted as a whole or not at all; after an error, the batch's total shows
        how many were accepted. Raises BatchNotFound; IllegalMove if the batch takes no items; InvalidRequest
        for too many items or bytes, a gap before `first`, different items at known indexes or names that are
        already used; FileNotFound; QuotaExceeded.
        """
        total, known = first, set[str]()
        for start in range(0, len(items), CHUNK):
            chunk = self.pack(batch_id, in_pieces(items[start : start + CHUNK]), known)
            total = self.add(batch_id, owner, chunk, first=first + start)
        return total

    def pack(self, batch_id: str, items: Sequence[Pieces], known: set[str]) -> PackedItems:
        """Return items as `add` takes them.

        `known` are digests of parts that the batch has; those that it will have with these items are added,
        so packs must be added to the batch in their order.
        """
        known |= self._known_parts(batch_id, {part for pieces in items for part in pieces.parts} - known)
        found = packed(items, known)
        known.update(digest for digest, _ in found.parts)
        return found

    def add(self, batch_id: str, owner: str, items: PackedItems, *, first: int) -> int:
        """Accept packed items, all or none, as `append` does; return the batch's new total."""
        rules = self._rules
        most = (rules.max_items, rules.max_record_bytes, ITEM_BYTES)
        digests = to_text(self._jobs.served_digests(items.models))
        parts = [text for part in items.parts for text in part]
        arguments = (*most, digests, self._quotas, len(items.parts), *parts, *items.texts)
        outcome, *rest = self._scripts.run("batches/append", batch_id, owner, first, *arguments)
        if outcome == "ok":
            return int(rest[0])
        if outcome == "bytes":
            used, wanted = rest
            raise too_many_bytes("/items", used, wanted, rules)
        raise refusal(outcome, rest, batch_id, rules.max_items)

    def _known_parts(self, batch_id: str, digests: Collection[str]) -> set[str]:
        """Return the digests of the parts that the batch has: these are not sent again with every page."""
        if not digests:
            return set()
        with store_errors():
            pipeline = self._client.pipeline(transaction=False)
            for digest in digests:
                pipeline.hexists(self._key("batch_parts", batch_id), digest)
            known = pipeline.execute()
        return {digest for digest, is_known in zip(digests, known, strict=True) if is_known}

    def finalize(self, batch_id: str, owner: str) -> None:
        """Mark the batch as having all of its items; it completes when the last one ends."""
        self._move(batch_id, owner, "finalize")

    def pause(
        self, batch_id: str, owner: str, *, reason: str = "", by: str = "", ends_at: int | None = None
    ) -> None:
        """Stop starting items; running items continue to their end. Another pause replaces this one.

        `by` is the name of who pauses it; `ends_at` is when it goes on by itself, in milliseconds since the
        epoch by the server's clock.
        """
        self._move(batch_id, owner, "pause", reason, by, "" if ends_at is None else str(ends_at))

    def resume(self, batch_id: str, owner: str) -> None:
        """Continue after a pause."""
        self._move(batch_id, owner, "resume")
        self.sweep(batch_id)

    def cancel(self, batch_id: str, owner: str) -> None:
        """Cancel every item that has not ended. After this returns, all of them are canceled."""
        self._move(batch_id, owner, "cancel")
        self.sweep(batch_id)

    def delete(self, batch_id: str, owner: str) -> None:
        """Delete the records of a finished batch and its items; the sweeper deletes their bytes later."""
        self._move(batch_id, owner, "delete")
        self.sweep(batch_id)

    def pin(self, batch_id: str, owner: str) -> None:
        """Keep a batch until its owner unpins or deletes it; raise IllegalMove if no more may be pinned."""
        self._pin(batch_id, owner, "pin")

    def unpin(self, batch_id: str, owner: str) -> None:
        """Let a batch expire again: if it is done, its time to live begins now."""
        self._pin(batch_id, owner, "unpin")

    def _pin(self, batch_id: str, owner: str, request: str) -> None:
        most = self._jobs.rules.max_pinned
        outcome = self._scripts.run("room/pin", "batch", batch_id, owner, request, most)
        if outcome == "full":
            raise too_many_pinned(self._jobs.rules)
        if outcome != "ok":
            self.get(batch_id, owner)  # raises the error that fits

    def note_fetched(self, batch_id: str, indexes: Sequence[int]) -> None:
        """Note that all outputs of some items were sent whole."""
        self._scripts.run("room/fetched_items", batch_id, *indexes)

    def move(self, batch_id: str, owner: str, move: Move) -> None:
        """Move what waits of a batch, and the items that come later, as JobStore.move does a job.

        After this returns, all places are the new ones. If the process dies, the reaper goes on.
        """
        outcome = self._scripts.run("batches/reorder", batch_id, owner, *move.arguments)
        if outcome == "started":
            raise IllegalMove("no item of the batch waits, so there is nothing to move")
        self._judge(outcome, batch_id, owner, "moved")
        self.sweep(batch_id)

    def _move(self, batch_id: str, owner: str, move: str, *more: str) -> None:
        outcome = self._scripts.run("batches/move", batch_id, owner, move, *more)
        self._judge(outcome, batch_id, owner, _PAST[move])

    def _judge(self, outcome: str, batch_id: str, owner: str, verb: str) -> None:
        if outcome == "missing":
            self.get(batch_id, owner)  # raises the error that fits
        if outcome != "ok":
            raise IllegalMove(f"a batch that is {outcome} cannot be {verb}")

    def sweep(self, batch_id: str) -> None:
        """Apply a cancellation, deletion, resumption or move to each item."""
        while self._sweep_chunk(batch_id):
            continue

    def _sweep_chunk(self, batch_id: str) -> bool:
        tombstone = self._jobs.rules.tombstone_seconds * 1000
        return bool(self._scripts.run("batches/sweep", batch_id, SWEPT, tombstone))

    def clean_up(self) -> None:
        """Cancel batches that stayed open too long, and continue unfinished work."""
        for batch_id, owner in self._stale().items():
            with suppress(BatchNotFound, JobGone, IllegalMove):  # it ended in the meantime
                self._move(batch_id, owner, "cancel")
        self.go_on()

    def wake(self) -> None:
        """Continue batches whose pause has ended."""
        now = server_time(self._client)
        with store_errors():
            names = self._client.zrangebyscore(self._key("batch_pauses"), "-inf", now, start=0, num=CHUNK)
            owners = [self._client.hget(self._key("batch", name), "owner") or "" for name in names]
        for batch_id, owner in zip(names, owners, strict=True):
            with suppress(BatchNotFound, JobGone, IllegalMove):  # it ended in the meantime
                self._move(batch_id, owner, "wake")
                self.sweep(batch_id)

    def _stale(self) -> dict[str, str]:
        oldest = server_time(self._client) - self._rules.open_seconds * 1000
        with store_errors():
            names = self._client.zrangebyscore(self._key("open_batches"), "-inf", oldest, start=0, num=CHUNK)
            return {name: self._client.hget(self._key("batch", name), "owner") or "" for name in names}

    def go_on(self, *, most_chunks: int = 200) -> None:
        """Continue work that a process left unfinished, and deletions of batches; a few chunks a call."""
        with store_errors():
            work = self._client.zrange(self._key("batch_work"), 0, most_chunks - 1)
        for batch_id in work:
            while most_chunks > 0:
                most_chunks -= 1
                if not self._sweep_chunk(batch_id):
                    break

    def retry_failed(self, batch_id: str, owner: str) -> int:
        """Retry every failed or expired item as a new job in its place; return the number of retries.

        A batch that `stop_when` paused goes on.
        Items whose files are gone are left out. Raises FileNotFound if no item could be retried for this
        reason; QuotaExceeded if there is no room for all, or none is left before the last: then another call
        goes on.
        """
        count, index = 0, 0
        missing: list[str] = []
        while index >= 0:
            result = self._scripts.run("batches/retry", batch_id, owner, index, SWEPT, self._quotas)
            if len(result) != RETRIED:
                self._refuse_retry(batch_id, owner, *result)
            count, index = count + result[0], result[1]
            missing += result[2]
        if missing and not count:
            raise FileNotFound(
                "files that the failed items need are gone: " + ", ".join(sorted(set(missing))[:10])
            )
        if count and self.get(batch_id, owner).stopped_at is not None:
            self.resume(batch_id, owner)
        return count

    def retry_item(self, job: Job) -> Submitted:
        """Retry an item that failed, expired or was canceled, as a new job in its place in the batch.

        If the item was already retried, return that job. Raises IllegalMove, or FileNotFound if a file that
        the item needs is gone, or QuotaExceeded.
        """
        assert job.batch_id is not None, "an item"
        where = (job.batch_id, job.owner, job.index or 0, 1)
        result = self._scripts.run("batches/retry", *where, self._quotas, job.id)
        again = next_try(job.id)
        if len(result) != RETRIED:
            self._refuse_retry(job.batch_id, job.owner, *result)
        if result[0]:
            return Submitted(id=again, created=True)
        if result[2]:
            raise missing_files(job.spec, result[2])
        with suppress(JobNotFound):
            return Submitted(id=self._jobs.get(again, job.owner).id, created=False)
        raise IllegalMove(f"only a failed, canceled or expired item can be retried; this one is {job.status}")

    def _refuse_retry(self, batch_id: str, owner: str, status: str, *rest: Any) -> NoReturn:
        if status == "quota":
            raise quota_exceeded(*rest)
        if status == "missing":
            self.get(batch_id, owner)
            raise BatchNotFound(f"there is no batch {batch_id}")
        raise IllegalMove(
            f"the batch {batch_id} is {status}, so its items cannot be tried again; "
            "send an item's `input` as a job instead"
        )


_PAST = {
    "finalize": "finalized",
    "pause": "paused",
    "resume": "resumed",
    "wake": "resumed",
    "cancel": "canceled",
    "delete": "deleted",
}


def refusal(outcome: str, rest: Sequence[Any], batch_id: str, max_items: int) -> AtelierError:
    """Return the error for an outcome of the append script."""
    if outcome == "missing":
        return _missing(rest)
    if outcome == "chain":
        return chain_too_long("/items", rest[0])
    if outcome == "quota":
        return quota_exceeded(*rest)
    if outcome == "missing batch":
        return BatchNotFound(f"there is no batch {batch_id}")
    if outcome in _FAULTS:
        pointer, text = _FAULTS[outcome]
        return InvalidRequest.of_field(pointer, text.format(", ".join(map(str, rest[:10])), limit=max_items))
    return IllegalMove(f"a batch that is {outcome} takes no items")


def too_many_bytes(pointer: str, used: int, wanted: int, rules: BatchRules) -> InvalidRequest:
    """Return the error of items that take too much of the job store, beside what their batch has already."""
    text = (
        f"{pointer[1:]} asks for about {wanted / MEBIBYTE:,.1f} MiB in the job store, and the batch has "
        f"{used / MEBIBYTE:,.1f} MiB; all items of a batch may take "
        f"{rules.max_record_mebibytes:,} (max_record_mebibytes)"
    )
    return InvalidRequest(text, errors=[FieldError(pointer, text, "out_of_range")])


_FAULTS = {
    "names": ("/items", "custom_id taken in this batch: {}"),
    "full": ("/items", "a batch may hold {limit} items at most"),
    "gap": ("/first", "the batch has {} items; the next one has that index"),
    "mismatch": ("/first", "the batch has another item at index {}"),
}


def _missing(pairs: Sequence[str]) -> FileNotFound:
    errors = [
        missing_input(f"/items/{index}", name) for index, name in zip(pairs[::2], pairs[1::2], strict=True)
    ]
    return FileNotFound("; ".join(dict.fromkeys(error.detail for error in errors[:20])), errors=errors[:100])
