"""Reads jobs: lists, events, and the expectation for a waiting job. Changes nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.jobs.job import Job
from shared.jobs.listing import ALL, JobFilter, JobList
from shared.jobs.queue_place import Waiting, expected, seconds_of_batch
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.redis.client import MAX_BLOCK_MILLISECONDS, Page, store_errors
from shared.specs.parts import Lane

MOST_RUNNING = 256  # running jobs that an estimate looks at


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a job's event stream."""

    id: str  # grows within a job; resume after it
    kind: str  # "state" or "progress"
    data: Mapping[str, Any]


class JobQueries:
    """Read side of the job store."""

    def __init__(self, store: JobStore) -> None:
        self._client = store.client
        self._scripts = store.scripts
        self._key = store.scripts.keys
        self._patience_ms = store.rules.bulk_patience_seconds * 1000
        self._list = JobList(store)

    def page(
        self,
        owner: str,
        only: JobFilter = ALL,
        *,
        limit: int = 20,
        cursor: str | None = None,
        items: bool = False,
    ) -> Page[Job]:
        """Return the owner's jobs, newest first, that a filter admits; with `items`, those of batches too."""
        return self._list.page(owner, only, limit=limit, cursor=cursor, items=items)

    def unlisted_items(self, owner: str, status: Status | None) -> int:
        """Return how many items of batches have a status, which a page without items leaves out."""
        return self._list.unlisted(owner, status)

    def waiting(self, job: Job, slots: int) -> Waiting | None:
        """Return the queue position of a job; None if it is no longer queued.

        `slots` is the number of jobs that all live workers run at once.
        """
        found = self._scripts.run("jobs/place", job.id, MOST_RUNNING, *Lane)
        return expected(json.loads(found), slots, self._patience_ms) if found else None

    def seconds_of_batch(self, batch_id: str, slots: int) -> float | None:
        """Return the seconds until the current items of a batch are done; None if unknown.

        `slots` is the number of jobs that all live workers run at once.
        """
        found = self._scripts.run("jobs/place", batch_id, MOST_RUNNING, *Lane)
        return seconds_of_batch(json.loads(found), batch_id, slots, self._patience_ms) if found else None

    def depths(self) -> dict[Lane, int]:
        """Return the number of claimable jobs in each lane, items of batches included."""
        return dict(zip(Lane, self._scripts.run("jobs/depths", *Lane), strict=True))

    def keyed(self, owner: str, idempotency_key: str) -> tuple[str, str] | None:
        """Return the job id and the request fingerprint of an idempotency key; None if the key is new."""
        with store_errors():
            known = self._client.hgetall(self._key("idempotency", owner, idempotency_key))
        return (known["id"], known["fingerprint"]) if known else None

    def fingerprint(self, owner: str, job_id: str) -> str | None:
        """Return the fingerprint of the request that created a job; None if the owner has no such job."""
        with store_errors():
            known = self._client.hmget(self._key("job", job_id), "owner", "fingerprint")
        return known[1] if known[0] == owner else None

    def events(self, job_id: str, *, after: str = "0-0", block_seconds: float = 0) -> list[Event]:
        """Return the events after an id; wait up to `block_seconds` (2 at most) for the first."""
        block = min(int(block_seconds * 1000), MAX_BLOCK_MILLISECONDS) or None
        with store_errors():
            response = self._client.xread({self._key("events", job_id): after}, count=500, block=block)
        entries = _entries(response)
        return [Event(i, fields["event"], json.loads(fields["data"])) for i, fields in entries]

    def last_event_id(self, job_id: str) -> str:
        """Return the id of the latest event, to wait for newer ones; "0-0" if there was no event."""
        with store_errors():
            last = self._client.xrevrange(self._key("events", job_id), count=1)
        return str(last[0][0]) if last else "0-0"


def _entries(response: Any) -> list[Any]:
    """Return the entries of the single stream read, from the RESP2 or the RESP3 form."""
    if not response:
        return []
    if isinstance(response, dict):
        (batches,) = response.values()
        return [entry for batch in batches for entry in batch]
    return list(response[0][1])
