"""Selects the records of a batch for a copy of an installation that keeps running.

The batch is read first, with its number of items. Items that were added or retried after this are left out,
so that the copy shows the batch at one point in time.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from shared.backup.record_copy import RecordCopy
from shared.identifiers import batch_of
from shared.redis.keys import kind_of, patterns

Step = Literal["open", "item", "close"]


def group_of_batch(name: str) -> tuple[str, ...]:
    """Return the keys that are read together with a batch's record, at one point in time."""
    _, _, batch_id = name.partition(":")
    return (name, *(pattern.replace("*", batch_id) for pattern in patterns("of_batch")))


class Items:
    """Remembers which items belong to the batches that were read."""

    def __init__(self) -> None:
        self._totals: dict[str, int] = {}
        self._tries: dict[str, Mapping[str, str]] = {}

    def noted(self, copies: Iterable[RecordCopy]) -> Iterator[RecordCopy]:
        """Yield the copies of one batch and remember its items; yield nothing if it is being deleted."""
        known = list(copies)
        records = [copy for copy in known if kind_of(copy.key) == "batch"]
        if not records or records[0].value["status"] == "deleted":
            return
        for copy in known:
            kind, _, batch_id = copy.key.partition(":")
            if kind == "batch":
                self._totals[batch_id] = int(copy.value["total"])
            elif kind == "batch-again":
                self._tries[batch_id] = copy.value
        yield from known

    def belongs(self, key: str) -> bool:
        """Whether a job has no batch, or existed when its batch was read."""
        _, _, job_id = key.partition(":")
        batch_id = batch_of(job_id)
        if batch_id is None:
            return True
        index, _, attempt = job_id.partition("-")[2].partition("-")
        tries = self._tries.get(batch_id, {}).get(index, "0")
        return int(index) < self._totals.get(batch_id, 0) and int(attempt or 0) <= int(tries)


def step_of_batch(kind: str, identifier: str) -> Step | None:
    """Return the step of a batch's restore that a record belongs to; None if it belongs to no step."""
    if kind == "batch":
        return "open"
    if kind == "closed":
        return "close"
    return "item" if kind == "job" and batch_of(identifier) else None
