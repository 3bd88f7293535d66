"""The batch store: every move of a batch, each one script or a row of them that can be taken up again."""

from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from shared.batches.batch import Batch, BatchDraft, ItemDraft
from shared.batches.queries import BatchQueries
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
from shared.identifiers import next_try, sha256
from shared.jobs.job import Job
from shared.jobs.store import JobStore
from shared.jobs.submission import Submitted, missing_files, to_text
from shared.redis.client import store_errors
from shared.setting_groups import BatchRules

CHUNK = 200  # items that one script stores, at most
SWEPT = 10  # items that one script ends or forgets: 1 to 2 ms, in which the server does nothing else


class BatchStore(BatchQueries):
    """Batches in a Redis-protocol server, with all that can be asked of them. All times are the server's."""

    def __init__(self, jobs: JobStore, rules: BatchRules) -> None:
        super().__init__(jobs)
        self._jobs = jobs
        self._rules = rules

    def open(self, draft: BatchDraft) -> tuple[Batch, bool]:
        """Begin a batch, or find the one that the key began; return it and whether it is new.

        Raises IdempotencyMismatch when the key came before with another request.
        """
        record = to_text(draft.record(self._jobs.rules))
        keep = self._jobs.rules.idempotency_seconds * 1000
        answer, batch_id = self._scripts.run(
            "batches/open", draft.id, draft.owner, record, draft.idempotency_key, draft.fingerprint, keep
        )
        if answer == "mismatch":
            raise IdempotencyMismatch("this key was used before with another request")
        return self.get(batch_id, draft.owner), answer == "created"

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
        answer, *rest = self._scripts.run("batches/append", batch_id, owner, first, most, digests, *parts)
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
        answer = self._scripts.run("batches/move", batch_id, owner, wish)
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
        return bool(self._scripts.run("batches/sweep", batch_id, SWEPT, tombstone))

    def keep_house(self) -> None:
        """Cancel batches that nobody finalized for long, and go on with what is half done."""
        for batch_id, owner in self._stale().items():
            with suppress(BatchNotFound, JobGone, IllegalMove):  # it ended meanwhile
                self._move(batch_id, owner, "cancel")
        self.go_on()

    def _stale(self) -> dict[str, str]:
        with store_errors():
            seconds, _ = self._client.time()
            oldest = (seconds - self._rules.open_seconds) * 1000
            names = self._client.zrangebyscore(self._key("open_batches"), "-inf", oldest, start=0, num=CHUNK)
            return {name: self._client.hget(self._key("batch", name), "owner") or "" for name in names}

    def go_on(self, *, most_chunks: int = 200) -> None:
        """Go on with what a process left half done and with batches that are to go; some chunks a call."""
        with store_errors():
            work = self._client.zrange(self._key("batch_work"), 0, most_chunks - 1)
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
            answer = self._scripts.run("batches/retry", batch_id, owner, index, SWEPT)
            if len(answer) == 1:
                self._refuse_retry(batch_id, owner, answer[0])
            count, index = count + answer[0], answer[1]
            missing += answer[2]
        if missing and not count:
            raise FileNotFound(
                "files that the failed items need are gone: " + ", ".join(sorted(set(missing))[:10])
            )
        return count

    def retry_item(self, job: Job) -> Submitted:
        """Try an item again that failed, expired or was canceled, as a new job in its place in its batch.

        Where that was done before, return the job that it made. Raises IllegalMove, or FileNotFound where a
        file that it needs is gone.
        """
        assert job.batch_id is not None, "an item"
        answer = self._scripts.run("batches/retry", job.batch_id, job.owner, job.index or 0, 1, job.id)
        again = next_try(job.id)
        if len(answer) == 1:
            self._refuse_retry(job.batch_id, job.owner, answer[0])
        if answer[0]:
            return Submitted(id=again, created=True)
        if answer[2]:
            raise missing_files(job.spec, answer[2])
        with suppress(JobNotFound):
            return Submitted(id=self._jobs.get(again, job.owner).id, created=False)
        raise IllegalMove(f"only a failed, canceled or expired item can be retried; this one is {job.status}")

    def _refuse_retry(self, batch_id: str, owner: str, status: str) -> NoReturn:
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
    "cancel": "canceled",
    "delete": "deleted",
}


def _flat(item: ItemDraft) -> tuple[str, str, str]:
    record = item.record()
    return (
        to_text(record),
        to_text(item.spec.inputs),
        sha256(f"{item.custom_id} {record['spec']}".encode())[:32],
    )


def refusal(answer: str, rest: Sequence[str], batch_id: str, max_items: int) -> AtelierError:
    """Return the error for what the append script answered."""
    if answer == "missing":
        return _missing(rest)
    if answer == "missing batch":
        return BatchNotFound(f"there is no batch {batch_id}")
    if answer in _FAULTS:
        pointer, text = _FAULTS[answer]
        return InvalidRequest.of_field(pointer, text.format(", ".join(map(str, rest[:10])), limit=max_items))
    return IllegalMove(f"a batch that is {answer} takes no items")


_FAULTS = {
    "names": ("/items", "custom_id taken in this batch: {}"),
    "full": ("/items", "a batch may hold {limit} items at most"),
    "gap": ("/first", "the batch has {} items; the next one has that index"),
    "mismatch": ("/first", "the batch has another item at index {}"),
}


def _missing(pairs: Sequence[str]) -> FileNotFound:
    errors = [
        FieldError(f"/items/{index}", f"there is no file {name}", FileNotFound.code)
        for index, name in zip(pairs[::2], pairs[1::2], strict=True)
    ]
    return FileNotFound("; ".join(dict.fromkeys(error.detail for error in errors[:20])), errors=errors[:100])
